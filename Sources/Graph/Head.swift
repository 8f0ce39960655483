// The linear layer that makes the logits, and the same network for other classes.

import Torch

extension Graph {
  private var headNode: Node? {
    guard let node = nodes.last(where: { $0.outputs.first == logits }), node.operation == "Gemm",
      node.int("transB") == 1, tensors[node.inputs.at(1)] != nil, tensors[node.inputs.at(2)] != nil
    else { return nil }
    return node
  }

  /// The parameters of the linear layer that makes the logits; nil where they come of something else.
  public var head: (weight: Tensor, bias: Tensor)? {
    guard let node = headNode, let weight = tensors[node.inputs[1]], let bias = tensors[node.inputs[2]] else {
      return nil
    }
    return (weight, bias)
  }

  /// Puts a freshly drawn linear layer in the place of the one that makes the logits, under the same names.
  /// - Returns: false where the logits come of something else.
  public mutating func replaceHead(classes: Int, generator: Generator) -> Bool {
    guard let node = headNode, let logits, let inputs = tensors[node.inputs[1]]?.shape.last else { return false }
    let layer = Linear(inputs, classes, generator: generator)
    (tensors[node.inputs[1]], tensors[node.inputs[2]]) = (layer.weight, layer.bias)
    shapes[logits] = [classes]
    return true
  }
}
