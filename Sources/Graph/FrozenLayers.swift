// How the layers of a network that no longer changes are run: as few operations as the processor allows.

import Torch

/// A frozen network's layers, made ready once: convolutions with what follows each in the same pass, in float32 or in 8
/// bits.
///
/// convolution -> batch norm -> (+ another value) -> (ReLU or clipping) is one operation where nobody else reads what lies
/// between. Once the ranges of the convolutions' inputs are known they work in 8 bits, and what only such convolutions
/// read is handed to them as bytes. Later changes of the parameters have no effect.
package final class FrozenLayers {
  private var convolutions: [String: FusedConvolution] = [:]
  private var quantized: [String: QuantizedConvolution] = [:]
  /// What each convolution has read since somebody asked.
  private var observed: [String: InputRange]?

  package init() {}

  /// Whether convolutions work in 8 bits.
  package var areQuantized: Bool { !quantized.isEmpty }

  /// One step for each group of nodes.
  func steps(of graph: Graph, for outputs: [String]) throws -> [ProgramStep] {
    let nodes = graph.nodes(for: outputs)
    let readers = Readers(nodes, outputs: outputs)
    let groups = try NodeGroups(of: nodes, graph, readers)
    return try nodes.compactMap { node in
      if let group = groups.group(of: node) {
        guard group.nodes.last?.name == node.name else { return nil }
        return try step(for: group, graph, groups, readers)
      }
      if let next = readers.only(of: node.outputs[0]), bytes(from: node, next, groups, readers) != nil { return nil }
      if let norm = readers.producers[node.inputs[0]], let scale = bytes(from: norm, node, groups, readers) {
        return try byteStep(for: norm, node, scale, graph)
      }
      return try graph.plainStep(for: node, readers)
    }
  }

  private func step(
    for group: FusedNodes, _ graph: Graph, _ groups: NodeGroups, _ readers: Readers
  ) throws -> ProgramStep {
    let (key, range) = (group.key, group.range)
    let fused = try convolutions[key] ?? FusedConvolution(group.convolution, group.norm, graph)
    convolutions[key] = fused
    let (isSum, overwrites) = (group.residual != nil, groups.overwritesResidual(group))
    let outputScale = isSum || range == nil ? nil : inputScale(of: group.output, groups, readers)
    let inputs = [group.convolution.inputs[0]] + [group.residual].compactMap { $0 }
    return ProgramStep(
      kernel: { [self] inputs, _ in
        let residual = isSum ? overwrites ? inputs.at(1) : inputs.at(1).clone() : nil
        if observed != nil { observed?[key, default: InputRange()].include(inputs.at(0)) }
        if let layer = quantized[key] {
          return [layer(inputs.at(0), adding: residual, range: range, outputScale: outputScale)]
        }
        return [fused(inputs.at(0), adding: residual, range: range)]
      }, inputs: inputs, outputs: [group.output])
  }

  /// The step of the bytes in which all that read a value want it; nil where one of them wants something else.
  private func inputScale(of value: String, _ groups: NodeGroups, _ readers: Readers) -> Double? {
    guard let all = readers.all(of: value), !all.isEmpty else { return nil }
    let scales = all.map { reader -> Double? in
      guard reader.operation == "Conv", let group = groups.group(of: reader) else { return nil }
      return quantized[group.key]?.inputScale
    }
    guard let first = scales[0], scales.allSatisfy({ $0 == first }) else { return nil }
    return first
  }

  /// The step of the bytes that a batch norm with a ReLU is to give; nil for other nodes.
  private func bytes(from norm: Graph.Node, _ relu: Graph.Node, _ groups: NodeGroups, _ readers: Readers) -> Double? {
    guard norm.operation == "BatchNormalization", relu.operation == "Relu", groups.group(of: norm) == nil,
      readers.only(of: norm.outputs[0]) != nil
    else { return nil }
    return inputScale(of: relu.outputs[0], groups, readers)
  }

  /// The bytes' size is folded into the norm's scale and shift, and clamping at zero is the ReLU.
  private func byteStep(
    for norm: Graph.Node, _ relu: Graph.Node, _ scale: Double, _ graph: Graph
  ) throws -> ProgramStep {
    let parameters = try BatchNormParameters(norm, graph)
    // Half a step more, so that cutting off rounds.
    let inSteps = BatchNormParameters(
      weight: parameters.weight / scale, bias: parameters.bias / scale + 0.5, mean: parameters.mean,
      variance: parameters.variance, epsilon: parameters.epsilon)
    return ProgramStep(
      kernel: { inputs, _ in [inputs.at(0).batchNormalized(inSteps).truncatedToBytes()] }, inputs: [norm.inputs[0]],
      outputs: relu.outputs)
  }
}

extension FrozenLayers {
  /// Turns the convolutions into int8 ones.
  ///
  /// `calibrate` runs the network on sample inputs, as many as it likes; the range of each convolution's inputs is taken
  /// from them. A convolution that read nothing or something negative stays as it was: in an image network that is the
  /// first. Nothing is changed where this throws. Programs made before it are to be made again.
  /// - Throws: `QuantizationError`; whatever `calibrate` throws.
  package func quantize(_ graph: Graph, calibrate: () throws -> Void) throws -> QuantizationCount {
    guard graph.tensors.values.allSatisfy({ $0.device == .cpu }) else { throw QuantizationError.notOnCPU }
    observed = [:]
    defer { observed = nil }
    try withoutGradients { try calibrate() }
    let largest = try (observed ?? [:]).compactMapValues { try $0.largest }
    guard !largest.isEmpty else { throw QuantizationError.nothingToQuantize }
    for (key, fused) in convolutions {
      quantized[key] = largest[key].map { QuantizedConvolution(fused, largestInput: $0) }
    }
    return QuantizationCount(quantized: largest.count, of: graph.nodes.count { $0.operation == "Conv" })
  }
}

extension FusedConvolution {
  /// A convolution's node with its batch norm's.
  convenience init(_ node: Graph.Node, _ norm: Graph.Node?, _ graph: Graph) throws {
    guard let weight = graph.tensors[node.inputs[1]] else {
      throw UnknownOperation(node, "has weights that are computed")
    }
    let bias = node.inputs.indices.contains(2) ? graph.tensors[node.inputs[2]] : nil
    self.init(
      weight: weight, bias: bias, norm: try norm.map { try BatchNormParameters($0, graph) },
      try node.convolutionOptions())
  }
}

extension BatchNormParameters {
  /// Those of a node.
  init(_ node: Graph.Node, _ graph: Graph) throws {
    let tensors = node.inputs[1...4].compactMap { graph.tensors[$0]?.detached() }
    guard tensors.count == 4 else { throw UnknownOperation(node, "has parameters that are computed") }
    self.init(
      weight: tensors[0], bias: tensors[1], mean: tensors[2], variance: tensors[3],
      epsilon: node.number("epsilon", 1e-5))
  }
}
