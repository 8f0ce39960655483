// A network as data: what it computes, of what, with which parameters.

import Torch

/// The computation of a network, from one batch of inputs to its logits and taps.
///
/// Operations are ONNX's, by their names and with their attributes (`Conv`, `BatchNormalization`, `Gemm`), since that is the
/// form in which networks come and go; values are known by name. A graph comes from tracing a network's own code or from
/// an ONNX file.
public struct Graph {
  /// One operation: what it is, what it reads and what it makes.
  public struct Node: Sendable {
    /// Its own name, unlike all others.
    public var name: String
    /// ONNX's name of the operation, such as `Conv`.
    public var operation: String
    /// The values that it reads, in ONNX's order; empty for one that is left out.
    public var inputs: [String]
    /// The values that it makes.
    public var outputs: [String]
    /// What it is told beside them.
    public var attributes: [String: Attribute]

    /// An operation of these parts.
    public init(
      name: String, operation: String, inputs: [String], outputs: [String], attributes: [String: Attribute] = [:]
    ) {
      self.name = name
      self.operation = operation
      self.inputs = inputs
      self.outputs = outputs
      self.attributes = attributes
    }
  }

  /// A value that can be asked for under a name of its own.
  public struct Tap: Sendable, Equatable {
    /// The name, such as `stage3`.
    public let name: String
    /// The value.
    public let value: String

    /// A name for a value.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The value that takes the batch.
  public var input: String
  /// The input's shape without the batch's axis: C x H x W for images.
  public var inputShape: [Int]
  /// The value of the logits; nil where the network gives none.
  public var logits: String?
  /// What other programs know the logits as: a network from a file keeps the name that they have there.
  public var outputName = "logits"
  /// The values that can be asked for, from input to output.
  public var taps: [Tap]
  /// Operations, each after those whose values it reads.
  public var nodes: [Node]
  /// Parameters, buffers and constants by name: the network's own tensors.
  public var tensors: [String: Tensor]
  /// The shapes of the operations' values, without the batch's axis.
  public var shapes: [String: [Int]]
  /// The names of operations that work as in evaluation while the network is trained.
  public var frozenNodes: Set<String> = []

  /// A graph of these parts, which must belong together.
  package init(
    input: String, inputShape: [Int], logits: String?, taps: [Tap], nodes: [Node], tensors: [String: Tensor],
    shapes: [String: [Int]]
  ) {
    self.input = input
    self.inputShape = inputShape
    self.logits = logits
    self.taps = taps
    self.nodes = nodes
    self.tensors = tensors
    self.shapes = shapes
  }
}

extension Graph {
  /// The node that makes each value.
  var producers: [String: Node] {
    Dictionary(nodes.flatMap { node in node.outputs.map { ($0, node) } }) { first, _ in first }
  }

  /// The value that is asked for under a name.
  func value(of tap: String) -> String? { taps.first { $0.name == tap }?.value }

  /// The batch norm just before the ReLU that sees the activation at a tap: on the data that the network was trained on,
  /// what it gives has the mean `bias` and the deviation `weight`, each of as many channels. Where the tap is a sum, that
  /// of the sum's first branch that has one. nil where there is none.
  public func normalization(at tap: String) -> (weight: Tensor, bias: Tensor)? {
    let producers = producers
    guard let producer = value(of: tap).flatMap({ producers[$0] }) else { return nil }
    let candidates = producer.operation == "Add" ? producer.inputs.compactMap { producers[$0] } : [producer]
    guard let norm = candidates.first(where: { $0.operation == "BatchNormalization" }),
      let weight = tensors[norm.inputs[1]], let bias = tensors[norm.inputs[2]]
    else { return nil }
    return (weight, bias)
  }

  /// The names of trained tensors and batch norms' statistics, in the order in which operations read them.
  package var entries: [String] {
    var seen: Set<String> = []
    return nodes.flatMap { node in
      node.inputs.enumerated().compactMap { index, name in
        let isStatistic = node.operation == "BatchNormalization" && index > 2
        guard let tensor = tensors[name], tensor.requiresGradient || isStatistic else { return nil }
        return seen.insert(name).inserted ? name : nil
      }
    }
  }

  /// The number of values that training changes.
  public var parameterCount: Int { tensors.values.reduce(0) { $0 + ($1.requiresGradient ? $1.count : 0) } }

  /// The elements that the operation with the most of them reads and writes of one input.
  package var widestLayer: Int {
    nodes.map { ($0.inputs + $0.outputs).reduce(0) { $0 + (shapes[$1]?.reduce(1, *) ?? 0) } }.max() ?? 0
  }

  /// The multiply-adds of one input's forward pass, in convolutions and matrix products.
  public var multiplyAdds: Int { nodes.reduce(0) { $0 + multiplyAdds(of: $1) } }

  private func multiplyAdds(of node: Node) -> Int {
    guard let size = shapes[node.outputs[0]]?.reduce(1, *) else { return 0 }
    switch node.operation {
    // Each output is a sum over one filter's weights.
    case "Conv": return size * (tensors[node.inputs[1]]?.shape.dropFirst().reduce(1, *) ?? 0)
    case "Gemm", "MatMul": return size * (shapes[node.inputs[0]]?.last ?? 0)
    default: return 0
    }
  }
}
