// What a network loses when it only answers: batch norms, dropout.

import Torch

extension Graph {
  /// The graph for inference alone: batch norms folded into the convolutions before them, where nobody else reads what lies
  /// between, and no dropout. Its parameters are copies.
  /// - Parameter outputs: the values that are wanted; they stay.
  func folded(keeping outputs: Set<String>) -> Graph {
    var graph = self
    let readers = Readers(nodes(for: Array(outputs)), outputs: Array(outputs))
    var gone: [String: String] = [:]
    graph.nodes = nodes.compactMap { node in
      if node.operation == "Dropout", !outputs.contains(node.outputs[0]) {
        gone[node.outputs[0]] = gone[node.inputs[0]] ?? node.inputs[0]
        return nil
      }
      if node.operation == "Conv", let norm = readers.only(of: node.outputs[0]), norm.operation == "BatchNormalization"
      {
        return graph.fold(norm, into: node, reading: gone[node.inputs[0]] ?? node.inputs[0])
      }
      if node.operation == "BatchNormalization", let source = readers.producers[node.inputs[0]],
        source.operation == "Conv", readers.only(of: source.outputs[0]) != nil
      {
        return nil
      }
      var node = node
      node.inputs = node.inputs.map { gone[$0] ?? $0 }
      return node
    }
    return graph
  }

  /// The convolution with a norm's scale and shift in its weights and bias, making what the norm made.
  private mutating func fold(_ norm: Node, into convolution: Node, reading input: String) -> Node {
    guard let group = try? FusedConvolution(convolution, norm, self) else { return convolution }
    var node = convolution
    let (weight, bias) = (convolution.inputs[1], convolution.inputs.at(2))
    // Weights that several convolutions share are folded for each.
    let isShared = nodes.count { $0.inputs.contains(weight) } > 1
    let name = isShared ? "\(weight).\(convolution.name)" : weight
    let biasName = bias.isEmpty || isShared ? name.replacing(suffix: ".weight", with: ".bias") : bias
    tensors[name] = group.weight
    tensors[biasName] = group.bias
    node.inputs = [input, name, biasName]
    node.outputs = norm.outputs
    return node
  }

  /// Puts the normalisation of images before everything else.
  mutating func normalize(_ input: ONNXExport.Input) {
    let (mean, deviation, scale): ([Double], [Double], Double)
    switch input {
    case .normalized: return
    case .unit(let given, let spread): (mean, deviation, scale) = (given, spread, 1)
    case .bytes(let given, let spread): (mean, deviation, scale) = (given, spread, 255)
    }
    let shape = [1, mean.count, 1, 1]
    tensors["images.mean"] = Tensor(mean.map { Float($0 * scale) }, shape: shape)
    tensors["images.deviation"] = Tensor(deviation.map { Float($0 * scale) }, shape: shape)
    let (centred, normalized) = ("images.centred", "images.normalized")
    for index in nodes.indices {
      nodes[index].inputs = nodes[index].inputs.map { $0 == self.input ? normalized : $0 }
    }
    shapes[centred] = inputShape
    shapes[normalized] = inputShape
    nodes.insert(
      contentsOf: [
        Node(name: centred, operation: "Sub", inputs: [self.input, "images.mean"], outputs: [centred]),
        Node(name: normalized, operation: "Div", inputs: [centred, "images.deviation"], outputs: [normalized]),
      ], at: 0)
  }
}

extension String {
  fileprivate func replacing(suffix: String, with other: String) -> String {
    (hasSuffix(suffix) ? String(dropLast(suffix.count)) : self) + other
  }
}
