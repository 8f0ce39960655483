// A network that was never code: the graph of an ONNX file, run and trained as any other.

import Graph
import Torch

/// A network that a graph describes. Its entries have the names that they have in the file.
public final class GraphNetwork: Network {
  private let source: Graph
  private let head: Linear?
  private let entries: [String]
  /// For a network around this one.
  private let programs = Programs()

  /// Whether there is dropout in it.
  var dropsElements: Bool { source.nodes.contains { $0.operation == "Dropout" } }

  /// Takes a graph's tensors for its own: those that are trained and batch norms' statistics become its entries.
  public init(_ graph: Graph) {
    source = graph
    head = graph.head.map { Linear(weight: $0.weight, bias: $0.bias) }
    entries = graph.entries
  }

  /// Trained tensors and batch norms' statistics, in the order in which operations read them.
  public override var state: [(name: String, tensor: Tensor)] {
    entries.compactMap { name in source.tensors[name].map { (name, $0) } }
  }

  public override var classifier: Linear? { head }

  /// - Throws: `UntraceableNetwork` for inputs of another shape than the file was read for.
  public override func makeGraph(of inputShape: [Int]) throws -> Graph {
    guard inputShape == source.inputShape else {
      throw UntraceableNetwork("it was read for inputs of \(source.inputShape), and these are \(inputShape)")
    }
    return source
  }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    precondition(Array(input.shape.dropFirst()) == source.inputShape, "a graph for other inputs than \(input.shape)")
    let outputs = source.taps.map(\.value) + [source.logits].compactMap { $0 }
    let values = try? source.taken(on: input, for: outputs) { isTraced in
      try programs.run(source, on: input, for: outputs, isTraining: isTraining && !isTraced)
    }
    guard let values else {
      preconditionFailure("a graph for inputs of \(source.inputShape) cannot take \(input.shape)")
    }
    for (tap, value) in zip(source.taps, values) { taps[tap.name] = value }
    return source.logits == nil ? nil : values[values.count - 1]
  }
}
