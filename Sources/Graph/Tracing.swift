// From a network's code to its graph: one pass of a single zero input, with each operation taken down.

import Torch

/// A network whose computation cannot be told from one pass.
public struct UntraceableNetwork: Error, CustomStringConvertible, Sendable {
  /// What stands in the way.
  public let description: String

  /// - Parameter description: what stands in the way.
  public init(_ description: String) { self.description = description }
}

extension Graph {
  /// The graph of a network's code.
  ///
  /// The code must do the same whatever its input holds, make new tensors instead of changing some in place, and leave the
  /// batch's axis the first of every activation.
  /// - Parameters:
  ///   - inputShape: of one input.
  ///   - state: the network's parameters and buffers by name.
  ///   - batchSize: of the pass. An empty batch costs nothing, where the code is known not to look at what is in it.
  ///   - forward: gives the logits of a batch and names the taps.
  /// - Throws: `UntraceableNetwork`; `TorchError` for inputs that it cannot take.
  package init(
    tracing inputShape: [Int], state: [(name: String, tensor: Tensor)], batchSize: Int = 1,
    _ forward: (Tensor, Taps) -> Tensor?
  ) throws {
    let parameter = state.first { $0.tensor.isFloatingPoint }?.tensor
    let input = Tensor.zeros(
      [batchSize] + inputShape, dtype: parameter?.dtype ?? .float32, device: parameter?.device ?? .cpu)
    let (taps, recorder) = (Taps(), OperationRecorder())
    let logits = try withTorchErrors { withoutGradients { recorder.record { forward(input, taps) } } }
    var tracer = Tracer(input: input, state: state)
    for record in recorder.records { try tracer.add(record) }
    self.input = tracer.input
    self.inputShape = inputShape
    self.logits = try logits.map { try tracer.value(of: $0) }
    self.taps = try taps.named.map { Tap(name: $0.name, value: try tracer.value(of: $0.activation)) }
    nodes = tracer.nodes
    tensors = tracer.tensors
    shapes = tracer.shapes
    removeUnread()
  }

  /// Takes away what neither logits nor taps come of, and the constants that only that used.
  mutating func removeUnread() {
    var read = Set(taps.map(\.value) + [logits].compactMap { $0 })
    nodes = nodes.reversed().filter { node in
      guard node.outputs.contains(where: read.contains) else { return false }
      read.formUnion(node.inputs)
      return true
    }.reversed()
    // A batch norm's count of batches is no input.
    tensors = tensors.filter { read.contains($0.key) || $0.key.hasSuffix(Graph.batchesTracked) }
  }

  /// The end of the name of a batch norm's count of batches, beside its running mean.
  static let batchesTracked = "num_batches_tracked"
}

/// Turns records into nodes.
struct Tracer {
  let input = "images"
  private(set) var nodes: [Graph.Node] = []
  private(set) var tensors: [String: Tensor]
  private(set) var shapes: [String: [Int]]
  private var names: [ObjectIdentifier: String]
  private var uses: [String: Int] = [:]
  /// The input, the network's tensors and all that was made of them: what may be another when the graph runs.
  private var variable: Set<String>

  init(input: Tensor, state: [(name: String, tensor: Tensor)]) {
    tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
    names = Dictionary(state.map { (ObjectIdentifier($0.tensor), $0.name) }) { first, _ in first }
    shapes = [self.input: Array(input.shape.dropFirst())]
    variable = Set([self.input] + tensors.keys)
    uses = Dictionary(([self.input] + tensors.keys).map { ($0, 1) }) { first, _ in first }
    names[ObjectIdentifier(input)] = self.input
  }

  /// The name of a value that some operation made.
  func value(of tensor: Tensor) throws -> String {
    guard let name = names[ObjectIdentifier(tensor)] else {
      throw UntraceableNetwork("it gives a tensor that does not come of its input")
    }
    return name
  }

  mutating func add(_ record: OperationRecorder.Record) throws {
    guard let translation = TracedOperation.known[record.operation], let output = record.output else {
      throw UntraceableNetwork("the operation \(record.operation) is not one that a graph can hold")
    }
    guard record.inputs.allSatisfy({ !$0.requiresGradient || names[ObjectIdentifier($0)] != nil }) else {
      throw UntraceableNetwork("it uses a tensor that takes gradients and is no entry of the network")
    }
    let inputs = record.inputs.map { name(of: $0) }
    // What is made of constants alone is one.
    guard inputs.contains(where: variable.contains) else { return }
    let isOfBatch = inputs.contains { shapes[$0] != nil }
    guard let operation = translation(record) else {
      throw UntraceableNetwork(
        "the operation \(record.operation) of \(record.inputs.map(\.shape)) is not one that a graph can hold")
    }
    let parts = operation.parts
    var read = inputs
    for (index, part) in parts.enumerated() {
      let constants = part.constants.map { constant($0) }
      let made = uniqueName(for: part, reading: read)
      nodes.append(
        Graph.Node(
          name: made, operation: part.operation, inputs: read + constants, outputs: [made], attributes: part.attributes)
      )
      if isOfBatch { shapes[made] = part.shape ?? Array(output.shape.dropFirst()) }
      variable.insert(made)
      if index == parts.count - 1 { names[ObjectIdentifier(output)] = made }
      read = [made]
    }
  }

  /// A tensor that nothing before made is a constant.
  private mutating func name(of tensor: Tensor) -> String {
    if let name = names[ObjectIdentifier(tensor)] { return name }
    let name = constant(tensor)
    names[ObjectIdentifier(tensor)] = name
    return name
  }

  private mutating func constant(_ tensor: Tensor) -> String {
    let name = unique("constant")
    tensors[name] = tensor
    return name
  }

  /// A layer's value is called as the layer, any other as its operation.
  private mutating func uniqueName(for part: TracedOperation.Part, reading inputs: [String]) -> String {
    if inputs.count > 1, inputs[1].hasSuffix(".weight") { return unique(String(inputs[1].dropLast(".weight".count))) }
    return unique(part.operation.lowercased())
  }

  private mutating func unique(_ name: String) -> String {
    let count = uses[name, default: 0]
    uses[name] = count + 1
    return count == 0 ? name : "\(name)_\(count)"
  }
}
