// Where in a checkpoint the weights are: people put them beside epochs, optimisers and averages.

import Files

/// A state dictionary in a checkpoint.
struct StateDictionary {
  /// The keys that lead to it, joined by dots; empty where it is the file's own value.
  let key: String
  let tensors: [String: Pickle.Value]

  /// The dictionary under a key, or the only one: the nearest to the root whose values are mostly tensors.
  /// - Throws: `PyTorchProblem` where there is none, or there are several.
  static func find(in root: Pickle.Value, key: String?) throws -> StateDictionary {
    var level = [(key: "", value: root)]
    for _ in 0...deepest {
      let candidates = level.filter { key == nil || key == $0.key }
      let found = try candidates.compactMap { try StateDictionary($0.value, key: $0.key) }
      if found.count > 1 {
        let names = found.map { Pickle.printable($0.key) }.sorted().joined(separator: ", ")
        throw PyTorchProblem("holds several sets of weights: \(names); name one with --key, to kindred convert")
      }
      if let only = found.first { return only }
      level = inner(of: level)
    }
    if let key { throw PyTorchProblem("holds no state dictionary under '\(key)'") }
    throw PyTorchProblem(
      root.object == nil || root.pairs?.isEmpty == false
        ? "holds no state dictionary; save the network's state_dict()"
        : "holds a whole \(Pickle.printable(root.kind)), not its state_dict(); save that")
  }

  private static let deepest = 4

  /// What stands in sections, under the keys that lead there. Shared sections could stand for more than there is room for.
  private static func inner(of level: [(key: String, value: Pickle.Value)]) -> [(key: String, value: Pickle.Value)] {
    var inner: [(key: String, value: Pickle.Value)] = []
    for outer in level {
      for (key, value) in outer.value.pairs ?? [] {
        guard inner.count < 100_000 else { return inner }
        if let name = key.text { inner.append((outer.key.isEmpty ? name : "\(outer.key).\(name)", value)) }
      }
    }
    return inner
  }

  /// nil for what is no dictionary of mostly tensors.
  private init?(_ value: Pickle.Value, key: String) throws {
    guard let pairs = value.pairs, !pairs.isEmpty else { return nil }
    let named = pairs.filter { PickledTensor.isTensor($0.value) && $0.key.text != nil }
    guard named.count * 2 > pairs.count else { return nil }
    self.key = key
    tensors = try Dictionary(named.map { ($0.key.text ?? "", $0.value) }) { _, _ in
      throw PyTorchProblem("a name stands twice in its state dictionary")
    }
  }
}

extension Pickle.Value {
  /// What a dictionary or an ordered one holds, however it was written.
  fileprivate var pairs: [(key: Pickle.Value, value: Pickle.Value)]? {
    guard let entries else { return nil }
    guard entries.isEmpty, let (constructor, arguments, _) = object, constructor == "collections.OrderedDict" else {
      return entries
    }
    // As Python 2 wrote it: called with a list of pairs.
    return arguments.first?.items?.compactMap { pair in
      guard let parts = pair.items, parts.count == 2 else { return nil }
      return (parts[0], parts[1])
    }
  }
}
