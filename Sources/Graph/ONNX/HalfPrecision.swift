// A network in float16.

import Torch

extension Graph {
  /// Makes all floating-point tensors float16 and all that is computed of them, between an input and outputs that stay
  /// float32.
  /// - Throws: `ONNXExportError` for numbers that float16 does not hold.
  mutating func makeHalf(_ outputs: inout [ONNXOutput]) throws {
    try requireFloat32()
    for (name, tensor) in tensors where tensor.isFloatingPoint { tensors[name] = try half(tensor, name) }
    for index in nodes.indices { nodes[index].makeHalf() }
    let start = Node(casting: input, to: .float16)
    for index in nodes.indices { nodes[index].inputs = nodes[index].inputs.map { $0 == input ? start.outputs[0] : $0 } }
    let ends = Set(outputs.map(\.value)).sorted().map { Node(casting: $0, to: .float) }
    nodes = [start] + nodes + ends
    for end in ends { shapes[end.outputs[0]] = shapes[end.inputs[0]] }
    for index in outputs.indices { outputs[index].value = Node(casting: outputs[index].value, to: .float).outputs[0] }
  }

  /// - Throws: `ONNXExportError` for a network that is in fewer bits already.
  func requireFloat32() throws {
    guard !nodes.contains(where: \.isLinearQuantization) else {
      throw ONNXExportError("the network is in 8 bits already; it can be written as it is")
    }
    guard !tensors.values.contains(where: { $0.dtype == .float16 }) else {
      throw ONNXExportError("the network is in float16 already; it can be written as it is")
    }
  }

  private func half(_ tensor: Tensor, _ name: String) throws -> Tensor {
    let half = tensor.detached().to(.float16)
    // Bounds of a clipping may be as good as infinite.
    guard tensor.count != 1, tensor.count > 0, tensor.abs().maximum().item > 65_504 else { return half }
    throw ONNXExportError(
      "'\(name)' has elements up to \(tensor.abs().maximum().item), and float16 ends at 65504; write the file in float32"
    )
  }
}

extension Graph.Node {
  /// A value in another element type, under a name that says it.
  init(casting value: String, to element: ONNXElement) {
    let made = "\(value)_\(element.dtype)"
    self.init(
      name: "\(made)_Cast", operation: "Cast", inputs: [value], outputs: [made],
      attributes: ["to": .int(Int(element.rawValue))])
  }

  /// Floating-point numbers that it is told are float16.
  fileprivate mutating func makeHalf() {
    if operation == "Cast", int("to") == ONNXElement.float.rawValue {
      attributes["to"] = .int(Int(ONNXElement.float16.rawValue))
    }
    for (name, attribute) in attributes {
      guard case .tensor(let values, let shape, .float32) = attribute else { continue }
      attributes[name] = .tensor(values: values, shape: shape, dtype: .float16)
    }
  }
}
