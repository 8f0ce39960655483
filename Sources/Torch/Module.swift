// The base of layers and networks: parameters and buffers under the names PyTorch's state_dict gives them.

/// A layer or network. Its stored properties that are tensors, modules, or arrays of either become its entries.
///
/// An entry's name is the property's, with parts joined by dots as in PyTorch (`block1.layer.0.conv1.weight`); a class
/// whose properties are called otherwise than PyTorch's says so in `entryNames`. A tensor that requires gradients is a
/// parameter, any other a buffer. A property whose PyTorch name is empty adds no part of its own: `Sequential`'s layers are
/// known by their places alone.
open class Module {
  /// Whether batch statistics are used and updated (training) or the running ones are used (evaluation).
  public private(set) var isTraining = true

  /// A module in training mode; a subclass gives its own properties their values first.
  public init() {}

  /// PyTorch's name for a property whose Swift name differs.
  open var entryNames: [String: String] { [:] }

  /// Every parameter and buffer by name, in order of declaration.
  open var state: [(name: String, tensor: Tensor)] {
    properties.flatMap { name, value -> [(String, Tensor)] in
      let prefix = name.isEmpty ? "" : name + "."
      return switch value {
      case let tensor as Tensor: [(name, tensor)]
      case let module as Module: module.state.map { (prefix + $0, $1) }
      case let modules as [Module]:
        modules.enumerated().flatMap { index, module in module.state.map { ("\(prefix)\(index).\($0)", $1) } }
      case let tensors as [Tensor]: tensors.enumerated().map { ("\(prefix)\($0)", $1) }
      default: []
      }
    }
  }

  /// The tensors that training changes, in order of declaration.
  public var parameters: [Tensor] { state.map(\.tensor).filter(\.requiresGradient) }

  /// The number of trained values.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// The modules directly inside this one.
  public var children: [Module] {
    properties.flatMap { _, value -> [Module] in
      if let module = value as? Module { return [module] }
      return value as? [Module] ?? []
    }
  }

  /// This module and all inside it, each before its own children, in order of declaration.
  public var modules: [Module] { [self] + children.flatMap(\.modules) }

  /// Switches this module and all inside it to training or evaluation.
  public func train(_ isTraining: Bool = true) {
    for module in modules { module.isTraining = isTraining }
  }

  /// Sets evaluation mode, here and in all modules inside.
  public func evaluate() { train(false) }

  /// Stops (or starts again) the recording of gradients for every floating-point parameter.
  public func freeze() {
    for parameter in parameters { parameter.requiresGradient = false }
  }

  /// Moves every entry to a device, and four-dimensional ones into a layout.
  public func move(to device: Device, layout: MemoryLayout4D = .channelsLast) {
    withoutGradients {
      for (_, tensor) in state {
        var data = tensor.detached().to(device: device)
        if data.shape.count == 4 { data = data.contiguous(layout) }
        tensor.setData(data)
      }
    }
  }

  /// Copies in the values of `weights`, which must hold exactly this module's entries in their shapes.
  ///
  /// A missing `num_batches_tracked`, which older files lack, is let pass.
  /// - Throws: `StateError` naming the first entry that is missing, left over or of another shape; `BrokenEntry` for one
  ///   with values that cannot be. Nothing is changed then.
  public func load(_ weights: [String: Tensor]) throws {
    let state = self.state
    for (name, tensor) in state {
      guard let value = weights[name] else {
        if name.hasSuffix("num_batches_tracked") { continue }
        throw StateError(entry: name, problem: "is missing")
      }
      guard value.shape == tensor.shape else {
        throw StateError(entry: name, problem: "has shape \(value.shape), the network wants \(tensor.shape)")
      }
    }
    let names = Set(state.map(\.name))
    if let extra = weights.keys.filter({ !names.contains($0) }).min() {
      throw StateError(entry: extra, problem: "is not an entry of the network")
    }
    for (name, _) in state {
      if let value = weights[name], let error = BrokenEntry(name, value) { throw error }
    }
    withoutGradients {
      for (name, tensor) in state {
        if let value = weights[name] { tensor.copyInPlace(value) }
      }
    }
  }

  /// The first entry with values that cannot be; nil for sound weights.
  package var brokenEntry: BrokenEntry? { state.lazy.compactMap { BrokenEntry($0.name, $0.tensor) }.first }

  private var properties: [(name: String, value: Any)] {
    var levels: [Mirror] = []
    var mirror: Mirror? = Mirror(reflecting: self)
    while let level = mirror {
      levels.insert(level, at: 0)
      mirror = level.superclassMirror
    }
    return levels.flatMap(\.children).compactMap { child in
      guard let label = child.label else { return nil }
      let value = unwrapped(child.value)
      return value.map { (entryNames[label] ?? label, $0) }
    }
  }
}

/// The value inside an optional, since reflection shows a property such as `bias: Tensor?` as the optional.
private func unwrapped(_ value: Any) -> Any? {
  let mirror = Mirror(reflecting: value)
  guard mirror.displayStyle == .optional else { return value }
  return mirror.children.first?.value
}

/// Weights that do not fit the network they are loaded into.
public struct StateError: Error, CustomStringConvertible, Sendable {
  /// The name of the entry.
  public let entry: String
  /// What is wrong with it.
  public let problem: String

  package init(entry: String, problem: String) {
    self.entry = entry
    self.problem = problem
  }

  public var description: String { "'\(entry)' \(problem)" }
}

/// Weights with values that no network can compute with. A fused ReLU turns NaN into 0, so that such a network works on
/// without a word.
public struct BrokenEntry: Error, CustomStringConvertible, Sendable {
  /// The name of the entry.
  public let entry: String
  /// What is wrong with it.
  public let problem: String

  /// nil for a tensor whose values can be: finite ones, and no negative variances.
  init?(_ name: String, _ tensor: Tensor) {
    guard tensor.dtype.isFloatingPoint, tensor.count > 0 else { return nil }
    let bad = tensor.count - Int(tensor.isFinite.sum().item)
    if bad > 0 {
      problem = "holds NaN or infinity (\(bad) of \(tensor.count) values)"
    } else if name.hasSuffix("running_var"), tensor.minimum().item < 0 {
      problem = "holds negative variances"
    } else {
      return nil
    }
    entry = name
  }

  public var description: String { "'\(entry)' \(problem)" }
}
