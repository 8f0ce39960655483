// Which values of a network are 8 bits between its operations, and which of them must have the same steps.

import Torch

/// What lies in 8 bits when a graph for inference is quantised.
///
/// Layers with weights work on 8 bits: what they read is quantised, and so is what a convolution gives, after its ReLU or
/// clipping. Sums, poolings and all that moves elements stay in 8 bits where all that they read is. Whatever else a network
/// does reads and makes floating-point numbers, and so are the logits and the taps that nothing else reads.
struct QuantizationPlan {
  private(set) var quantized: Set<String> = []
  private let graph: Graph
  private let readers: Readers
  private let ranges: ValueRanges
  private var groups: [String: String] = [:]

  /// - Parameters:
  ///   - graph: for inference, of which every node is wanted.
  ///   - ranges: of its values.
  ///   - outputs: the values that are asked for.
  init(_ graph: Graph, _ ranges: ValueRanges, outputs: [String]) {
    self.graph = graph
    self.ranges = ranges
    readers = Readers(graph.nodes, outputs: outputs)
    quantized = Set(graph.nodes.filter { $0.isWeighted(in: graph) }.map { $0.inputs[0] })
    for node in graph.nodes where isGivenInBits(node) { quantized.formUnion(node.outputs) }
    for value in outputs { keepFloatingPoint(value) }
    quantized = quantized.filter { activation(of: $0) == nil }
    for node in graph.nodes where node.keepsSteps { join(node) }
  }

  /// The ReLU or clipping that alone reads a value: it is quantised after that.
  func activation(of value: String) -> Graph.Node? { readers.only(of: value).flatMap { $0.isActivation ? $0 : nil } }

  /// What stands for all values that have the same steps.
  func group(of value: String) -> String {
    var value = value
    while let other = groups[value] { value = other }
    return value
  }

  /// The values of each group.
  var members: [String: [String]] { Dictionary(grouping: quantized) { group(of: $0) } }

  private func isGivenInBits(_ node: Graph.Node) -> Bool {
    if node.operation == "Conv" { return node.isWeighted(in: graph) }
    if node.isActivation {
      guard let producer = readers.producers[node.inputs[0]], activation(of: node.inputs[0]) != nil else {
        return false
      }
      return isGivenInBits(producer)
    }
    guard node.canStayInBits(in: graph) else { return false }
    let values = node.valuesRead(in: graph)
    return !values.isEmpty && values.allSatisfy { quantized.contains($0) && activation(of: $0) == nil }
  }

  /// Takes back what nothing reads in 8 bits: an output, and what it is only another form of.
  private mutating func keepFloatingPoint(_ output: String) {
    guard readers.count(of: output) == 1 else { return }
    quantized.remove(output)
    var value = output
    while let producer = readers.producers[value], producer.isView, readers.count(of: producer.inputs[0]) == 1 {
      value = producer.inputs[0]
      quantized.remove(value)
    }
  }

  /// Gives what a node reads and makes the same steps. Where only some of it can be negative that would cost the others a
  /// bit, and a ReLU's zero would not be the lowest byte any more.
  private mutating func join(_ node: Graph.Node) {
    let values = node.valuesRead(in: graph) + node.outputs
    guard values.allSatisfy(quantized.contains) else { return }
    let signs = Set(values.map { ranges[$0].map { $0.lowerBound < 0 } })
    guard node.operation != "Concat" || node.valuesRead(in: graph).count < 2 || signs.count == 1 else { return }
    for value in values.dropFirst() where group(of: value) != group(of: values[0]) {
      groups[group(of: value)] = group(of: values[0])
    }
  }
}

extension Graph.Node {
  /// Whether this is a layer whose weights can be kept in 8 bits.
  func isWeighted(in graph: Graph) -> Bool {
    let (weight, bias) = (graph.tensors[inputs.at(1)], inputs.at(2))
    guard valuesRead(in: graph) == [inputs[0]], let weight, bias.isEmpty || graph.tensors[bias]?.shape.count == 1 else {
      return false
    }
    switch operation {
    case "Conv": return weight.shape.count == 4
    case "Gemm": return int("transA") == 0 && number("alpha", 1) == 1 && number("beta", 1) == 1
    case "MatMul": return weight.shape.count == 2
    default: return false
    }
  }

  /// The axis of a layer's weights along which each place makes an output of its own.
  var outputAxis: Int { operation == "MatMul" || operation == "Gemm" && int("transB") == 0 ? 1 : 0 }

  var isActivation: Bool { operation == "Relu" || operation == "Clip" }

  /// The values of the batch that this reads.
  func valuesRead(in graph: Graph) -> [String] { inputs.filter { graph.shapes[$0] != nil && graph.tensors[$0] == nil } }

  /// Whether its results are elements that it has read, so that their steps are the same.
  var keepsSteps: Bool {
    switch operation {
    case "MaxPool", "Concat", "Identity", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split":
      true
    default: false
    }
  }

  /// Whether runtimes work on 8 bits here, where all that is read is in 8 bits.
  fileprivate func canStayInBits(in graph: Graph) -> Bool {
    switch operation {
    case "Add", "Concat": inputs.allSatisfy { graph.shapes[$0] != nil && graph.tensors[$0] == nil }
    case "AveragePool", "GlobalAveragePool": true
    case "ReduceMean": isMeanOverImage(in: graph)
    default: keepsSteps
    }
  }
}
