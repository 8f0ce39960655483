// A network in 8 bits as other runtimes take it: QuantizeLinear and DequantizeLinear between operations that stay as they
// are.

import Torch

extension Graph {
  /// The network in QDQ form: what lies between its layers is rounded to bytes, weights are signed bytes and biases whole
  /// numbers of 32 bits. Runtimes put layers of whole numbers in place of each DequantizeLinear, layer and QuantizeLinear.
  ///
  /// A value keeps its name in the form in which others read it: as numbers again. Batch norms over images that are left
  /// are depthwise convolutions, which runtimes have for bytes: one weight for each output is exact in any bits, and a
  /// WRN-16-2 took 2 to 23 per cent less time than with batch norms of floating-point numbers (batches of 1 and 32, one and
  /// two threads, a busy machine).
  /// - Parameters:
  ///   - ranges: of the values, from `ranges(on:exporting:)`.
  ///   - outputs: the values that are asked for.
  /// - Throws: `ONNXExportError`.
  func quantized(_ ranges: ValueRanges, outputs: [String]) throws -> Graph {
    try requireFloat32()
    var writer = try QDQWriter(withConvolvedNorms(), ranges, outputs: outputs)
    return try writer.graph()
  }

  /// A batch norm of an image has one factor and one number to add for each channel: the depthwise convolution of 1 x 1.
  private func withConvolvedNorms() -> Graph {
    var graph = self
    for (index, node) in nodes.enumerated() where node.operation == "BatchNormalization" {
      guard shapes[node.inputs[0]]?.count == 3, let norm = try? BatchNormParameters(node, self) else { continue }
      let channels = norm.weight.count
      let convolution = FusedConvolution(
        weight: .ones([channels, 1, 1, 1]), bias: nil, norm: norm, ConvolutionOptions(groups: channels))
      let names = ["weight", "bias"].map { graph.unusedTensor("\(node.name).\($0)_convolved") }
      (graph.tensors[names[0]], graph.tensors[names[1]]) = (convolution.weight, convolution.bias)
      graph.nodes[index] = Node(
        name: node.name, operation: "Conv", inputs: [node.inputs[0]] + names, outputs: node.outputs,
        attributes: ["kernel_shape": .ints([1, 1]), "group": .int(channels)])
    }
    return graph
  }

  private func unusedTensor(_ name: String) -> String { tensors[name] == nil ? name : unusedTensor(name + "_") }
}

/// Writes a graph's nodes anew, with what quantises their values and weights.
private struct QDQWriter {
  /// A group of values' steps, and the names of their scale and zero point.
  private struct Parameters {
    let steps: ValueSteps
    let names: [String]
  }

  private let source: Graph
  private let plan: QuantizationPlan
  private var parameters: [String: Parameters] = [:]
  private var result: Graph
  /// What layers read in place of the network's input.
  private var input: String
  private var used: Set<String>
  private let readings: [String: Int]

  init(_ graph: Graph, _ ranges: ValueRanges, outputs: [String]) throws {
    source = graph
    plan = QuantizationPlan(graph, ranges, outputs: outputs)
    result = graph
    result.nodes = []
    input = graph.input
    used = Set(graph.nodes.flatMap { $0.outputs + [$0.name] } + graph.tensors.keys + [graph.input])
    readings = graph.nodes.flatMap(\.inputs).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    for (group, values) in plan.members.sorted(by: { $0.key < $1.key }) {
      guard let range = ranges.union(of: values) else { throw ONNXExportError("'\(group)' has no range") }
      let steps = ValueSteps(range)
      let names = [unused("\(group)_scale"), unused("\(group)_zero_point")]
      result.tensors[names[0]] = Tensor([steps.scale], shape: [])
      result.tensors[names[1]] = Tensor([steps.zeroPoint], shape: [])
      parameters[group] = Parameters(steps: steps, names: names)
    }
    guard !parameters.isEmpty else { throw ONNXExportError("none of the network's layers can work in 8 bits") }
  }

  mutating func graph() throws -> Graph {
    if parameters(of: source.input) != nil {
      input = unused("\(source.input)_dequantized")
      quantize(source.input, into: input, like: source.input)
    }
    for node in source.nodes { try add(node) }
    return result
  }

  private mutating func add(_ node: Graph.Node) throws {
    if try isAbsorbed(node) { return quantize(node.inputs[0], into: node.outputs[0], like: node.outputs[0]) }
    var written = node
    quantizeWeights(of: &written)
    written.inputs = written.inputs.map { $0 == source.input ? input : $0 }
    for (index, value) in node.outputs.enumerated() where parameters(of: value) != nil {
      written.outputs[index] = unused("\(value)_raw")
      result.shapes[written.outputs[index]] = source.shapes[value]
    }
    result.nodes.append(written)
    for (value, raw) in zip(node.outputs, written.outputs) where value != raw {
      quantize(raw, into: value, like: value)
    }
  }

  /// Whether a ReLU or clipping does nothing that the rounding to bytes after it does not do as well.
  private func isAbsorbed(_ node: Graph.Node) throws -> Bool {
    guard let range = try node.activationRange(in: source), plan.activation(of: node.inputs[0]) != nil,
      let steps = parameters(of: node.outputs[0])?.steps
    else { return false }
    return steps.saturate(to: range)
  }

  private func parameters(of value: String) -> Parameters? {
    plan.quantized.contains(value) ? parameters[plan.group(of: value)] : nil
  }

  /// Rounds a value to bytes, and makes numbers of them again.
  private mutating func quantize(_ value: String, into made: String, like quantized: String) {
    guard let parameters = parameters(of: quantized) else { preconditionFailure("\(quantized) has no steps") }
    let bytes = unused("\(quantized)_quantized")
    for (operation, input, output) in [("QuantizeLinear", value, bytes), ("DequantizeLinear", bytes, made)] {
      let name = unused("\(output)_\(operation)")
      result.nodes.append(
        Graph.Node(name: name, operation: operation, inputs: [input] + parameters.names, outputs: [output]))
      result.shapes[output] = source.shapes[quantized]
    }
  }

  private mutating func quantizeWeights(of node: inout Graph.Node) {
    let (name, biasName) = (node.inputs.at(1), node.inputs.at(2))
    guard node.isWeighted(in: source), let weight = source.tensors[name] else { return }
    guard let read = parameters(of: node.inputs[0]) else { preconditionFailure("\(node.name) reads what has no steps") }
    let steps = WeightSteps(
      weight, axis: node.outputAxis, bias: source.tensors[biasName], inputScale: read.steps.scale)
    node.inputs[1] = dequantized(
      [("quantized", steps.weight), ("scale", steps.scale), ("zero_point", steps.zeroPoint)], as: name,
      axis: node.outputAxis, for: node)
    guard let bias = steps.bias else { return }
    node.inputs[2] = dequantized(
      [("quantized", bias.numbers), ("scale", bias.scale)], as: biasName, axis: 0, for: node)
  }

  /// The numbers that whole ones stand for, under the tensor's own name where no other node reads it.
  private mutating func dequantized(
    _ parts: [(name: String, tensor: Tensor)], as name: String, axis: Int, for node: Graph.Node
  ) -> String {
    let isShared = readings[name, default: 0] > 1
    let made = isShared ? unused("\(name).\(node.name)") : name
    if !isShared { result.tensors[name] = nil }
    let inputs = parts.map { part in
      let input = unused("\(made)_\(part.name)")
      result.tensors[input] = part.tensor
      return input
    }
    result.nodes.append(
      Graph.Node(
        name: unused("\(made)_DequantizeLinear"), operation: "DequantizeLinear", inputs: inputs, outputs: [made],
        attributes: ["axis": .int(axis)]))
    return made
  }

  /// The name, or one like it where that is taken.
  private mutating func unused(_ name: String) -> String {
    var name = name
    while !used.insert(name).inserted { name += "_" }
    return name
  }
}
