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
    let inner = InnerGraphs(recorder)
    let logits = try withTorchErrors {
      withoutGradients { InnerGraphs.$current.withValue(inner) { recorder.record { forward(input, taps) } } }
    }
    var tracer = Tracer(input: input, state: state)
    for (place, record) in recorder.records.enumerated() {
      for run in inner.runs where run.place == place { try tracer.add(run) }
      try tracer.add(record)
    }
    for run in inner.runs where run.place == recorder.records.count { try tracer.add(run) }
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

  /// Takes over the operations of a graph that the code ran. Its tensors are known by the network's names for them.
  mutating func add(_ run: InnerGraphs.Run) throws {
    var names = [run.graph.input: name(of: run.batch)]
    for node in run.graph.nodes(for: run.outputs) {
      for input in node.inputs where !input.isEmpty && names[input] == nil {
        names[input] = run.graph.tensors[input].map { name(of: $0) }
      }
      var own = node
      own.name = unique(node.name)
      own.inputs = node.inputs.map { names[$0] ?? $0 }
      own.outputs = node.outputs.map { output in
        let made = unique(output)
        names[output] = made
        shapes[made] = run.graph.shapes[output]
        variable.insert(made)
        return made
      }
      nodes.append(own)
    }
    for (output, value) in zip(run.outputs, run.values) { self.names[ObjectIdentifier(value)] = names[output] }
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

/// The graphs that a network's code runs while it is traced, as a network around one from a file does.
final class InnerGraphs: @unchecked Sendable {
  /// One of them, and the tensors that it read and gave.
  struct Run {
    /// How many operations were recorded before it.
    let place: Int
    let graph: Graph
    let batch: Tensor
    let outputs: [String]
    let values: [Tensor]
  }

  @TaskLocal static var current: InnerGraphs?

  private(set) var runs: [Run] = []
  private let recorder: OperationRecorder

  init(_ recorder: OperationRecorder) { self.recorder = recorder }

  func add(_ graph: Graph, on batch: Tensor, for outputs: [String], giving values: [Tensor]) {
    runs.append(
      Run(place: recorder.records.count, graph: graph, batch: batch, outputs: outputs, values: values))
  }
}

extension Graph {
  /// The values that `run` gives of a batch. While some network's code is traced, its graph takes over these operations.
  /// - Parameter run: is told whether it is traced.
  package func taken(
    on batch: Tensor, for outputs: [String], run: (_ isTraced: Bool) throws -> [Tensor]
  ) rethrows -> [Tensor] {
    guard let inner = InnerGraphs.current else { return try run(false) }
    let values = try OperationRecorder.paused { try run(true) }
    inner.add(self, on: batch, for: outputs, giving: values)
    return values
  }
}
