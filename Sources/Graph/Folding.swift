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
    switch input {
    case .normalized: break
    case .unit(let mean, let deviation): normalize(mean: mean, deviation: deviation, scale: 1)
    case .bytes(let mean, let deviation): normalize(mean: mean, deviation: deviation, scale: 255)
    }
  }

  private mutating func normalize(mean: [Double], deviation: [Double], scale: Double) {
    let constants = [("mean", "Sub", mean), ("deviation", "Div", deviation)]
    prepend(constants.map { ($0.0, $0.1, $0.2.map { $0 * scale }) })
  }

  /// Undoes the normalisation of images before everything else, for a network that has it inside.
  package mutating func denormalize(mean: [Double], deviation: [Double], scale: Double) {
    let constants = [("deviation", "Mul", deviation), ("mean", "Add", mean)]
    prepend(constants.map { ($0.0, $0.1, $0.2.map { $0 * scale }) })
  }

  /// Puts operations with a number for each channel before everything else.
  private mutating func prepend(_ operations: [(name: String, operation: String, numbers: [Double])]) {
    var value = input
    let added = operations.map { name, operation, numbers in
      let (constant, made) = ("\(input).\(operation.lowercased()).\(name)", "\(input).\(operation.lowercased())")
      tensors[constant] = Tensor(numbers.map(Float.init), shape: [1, numbers.count, 1, 1])
      shapes[made] = inputShape
      defer { value = made }
      return Node(name: made, operation: operation, inputs: [value, constant], outputs: [made])
    }
    for index in nodes.indices { nodes[index].inputs = nodes[index].inputs.map { $0 == input ? value : $0 } }
    nodes.insert(contentsOf: added, at: 0)
  }
}

extension String {
  fileprivate func replacing(suffix: String, with other: String) -> String {
    (hasSuffix(suffix) ? String(dropLast(suffix.count)) : self) + other
  }
}
