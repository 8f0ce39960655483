// Which values of a network from elsewhere are worth comparing.

import Torch

extension Graph {
  /// Names taps: those that are given, and where these leave their names free what is usually compared.
  ///
  /// - `stem`, where the first convolution makes the images smaller: the map between blocks of the size that it makes.
  /// - `stage1`, `stage2` and so on: the last map between blocks of each further size.
  /// - `last`: the map of which the mean over the image is taken before the classifier.
  /// - `pooled`: the vector that the classifier works on.
  /// - Throws: `ONNXProblem` for a value that there is not.
  mutating func nameTaps(_ given: [Tap]) throws {
    for tap in given {
      guard shapes[tap.value] != nil else {
        throw ONNXProblem("has no value '\(tap.value)' that grows with the batch, for the tap \(tap.name)")
      }
    }
    let taken = Set(given.map(\.name))
    let positions = Dictionary(nodes.enumerated().flatMap { index, node in node.outputs.map { ($0, index) } }) { $1 }
    taps = (given + usualTaps().filter { !taken.contains($0.name) }).enumerated().sorted {
      (positions[$0.element.value] ?? -1, $0.offset) < (positions[$1.element.value] ?? -1, $1.offset)
    }.map(\.element)
  }

  private func usualTaps() -> [Tap] {
    let producers = producers
    var head = logits.flatMap { producers[$0] }
    while let node = head, node.operation == "Cast" || node.isLinearQuantization { head = producers[node.inputs[0]] }
    let pooled = head.flatMap { ["Gemm", "MatMul", "Add"].contains($0.operation) ? classifierInput(of: $0) : nil }
    let last = pooled.flatMap { pooledMap(of: $0) }
    var taps = stages()
    if let last { taps.append(Tap(name: "last", value: last)) }
    if let pooled, shapes[pooled]?.count == 1 { taps.append(Tap(name: "pooled", value: pooled)) }
    return taps
  }

  /// What the classifier reads; its bias may be a sum of its own.
  private func classifierInput(of node: Node) -> String? {
    guard node.operation == "Add" else { return node.inputs.first }
    return node.inputs.compactMap { producers[$0] }.first { $0.operation == "MatMul" }?.inputs.first
  }

  /// The map whose mean over the image a vector is, whatever lies between.
  private func pooledMap(of vector: String) -> String? {
    let producers = producers
    var value = vector
    while let node = producers[value] {
      if node.isMeanOverImage(in: self) { return shapes[node.inputs[0]]?.count == 3 ? node.inputs[0] : nil }
      guard node.isLinearQuantization || Self.formsOfVectors.contains(node.operation) else { return nil }
      value = node.inputs[0]
    }
    return nil
  }

  private static let formsOfVectors = ["Flatten", "Reshape", "Squeeze", "Dropout", "Identity", "Cast"]

  /// For each size of maps the last of those that all of the computation passes through: between blocks, and none that has
  /// more than twice the channels of an earlier one, as inside of blocks that widen.
  private func stages() -> [Tap] {
    var ends: [(area: Int, channels: Int, value: String)] = []
    for value in passages {
      guard let shape = shapes[value], shape.count == 3, shape[1] * shape[2] > 1, isImage(shape),
        shape != inputShape
      else { continue }
      let area = shape[1] * shape[2]
      if let found = ends.first(where: { $0.area == area }), 2 * found.channels < shape[0] { continue }
      ends.removeAll { $0.area == area }
      ends.append((area, shape[0], value))
    }
    let shrinks = ends.first.map { $0.area < inputShape.dropFirst().reduce(1, *) } ?? false
    return ends.enumerated().map { index, end in
      let number = shrinks ? index : index + 1
      return Tap(name: number == 0 ? "stem" : "stage\(number)", value: end.value)
    }
  }

  /// Whether height and width have shrunk alike: channels come last in some values.
  private func isImage(_ shape: [Int]) -> Bool {
    guard inputShape.count == 3 else { return false }
    let (height, width) = (Double(shape[1]) / Double(inputShape[1]), Double(shape[2]) / Double(inputShape[2]))
    return abs(height - width) < 0.1 * max(height, width)
  }

  /// The values that all of the computation passes through: once they are made, nothing else is needed any more.
  private var passages: [String] {
    let lastReader = Dictionary(
      nodes.enumerated().flatMap { index, node in node.inputs.map { ($0, index) } }
    ) { max($0, $1) }
    var needed = Set([input])
    return nodes.enumerated().compactMap { index, node in
      needed.formUnion(node.outputs.filter { shapes[$0] != nil && lastReader[$0, default: -1] > index })
      needed = needed.filter { lastReader[$0, default: -1] > index }
      return needed.count == 1 && node.outputs.contains(needed.first ?? "") ? needed.first : nil
    }
  }
}

extension Graph.Node {
  /// Whether this is the mean over a map's height and width.
  func isMeanOverImage(in graph: Graph) -> Bool {
    switch operation {
    case "GlobalAveragePool": true
    case "ReduceMean":
      (graph.tensors[inputs.at(1)]?.integers ?? ints("axes") ?? []).map { $0 < 0 ? $0 + 4 : $0 }.sorted() == [2, 3]
    case "AveragePool": graph.shapes[outputs[0]].map { $0.dropFirst() == [1, 1] } ?? false
    default: false
    }
  }
}
