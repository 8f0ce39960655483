// Whole numbers of 8 bits in place of floating-point ones, and back.

import Torch

extension Operator {
  static let quantization: [String: Operator] = [
    "QuantizeLinear": Operator { node, graph in
      let steps = try LinearSteps(of: node, graph)
      let bits = try steps.range(of: node)
      return { inputs, _ in [try steps.quantize(inputs.at(0), bits)] }
    },
    "DequantizeLinear": Operator { node, graph in
      let steps = try LinearSteps(of: node, graph)
      return { inputs, _ in [try steps.dequantize(inputs.at(0))] }
    },
  ]
}

extension Graph.Node {
  /// Whether this turns numbers into fewer bits, or back.
  var isLinearQuantization: Bool { Operator.quantization[operation] != nil }
}

/// The steps in which a tensor's numbers are counted: number = (whole number - zero point) x scale.
private struct LinearSteps {
  private let node: Graph.Node
  private let scale: Tensor
  private let zeroPoint: Tensor?
  /// The axis along which scales differ; nil where there is one for all.
  private let axis: Int?

  /// - Throws: `UnknownOperation` for scales and zero points that are computed, or cannot be.
  init(of node: Graph.Node, _ graph: Graph) throws {
    guard let scale = graph.tensors[node.inputs.at(1)], scale.isFloatingPoint else {
      throw UnknownOperation(node, "has a scale that is computed, or none of floating-point numbers")
    }
    guard scale.shape.count <= 1, scale.count > 0, node.int("block_size") == 0 else {
      throw UnknownOperation(node, "has scales of \(scale.shape): one for all, or one for each channel are known")
    }
    let (least, most) = (scale.minimum().item, scale.maximum().item)
    guard least > 0, most.isFinite else { throw UnknownOperation(node, "has a scale that is not positive and finite") }
    let name = node.inputs.at(2)
    zeroPoint = name.isEmpty ? nil : graph.tensors[name]
    guard name.isEmpty || zeroPoint?.isFloatingPoint == false, zeroPoint?.count ?? scale.count == scale.count else {
      throw UnknownOperation(node, "has zero points that are computed, or not as many as scales")
    }
    self.node = node
    self.scale = scale.detached()
    axis = scale.count == 1 ? nil : node.int("axis", 1)
  }

  /// What the whole numbers can be.
  /// - Throws: `UnknownOperation` for a type that is not known.
  func range(of node: Graph.Node) throws -> (dtype: DType, numbers: ClosedRange<Double>) {
    let given = zeroPoint?.dtype ?? ONNXElement(rawValue: Int32(clamping: node.int("output_dtype", 2)))?.dtype
    switch given {
    case .uint8: return (.uint8, 0...255)
    case .int8: return (.int8, -128...127)
    default: throw UnknownOperation(node, "gives other whole numbers than int8 and uint8, which are not known here")
    }
  }

  /// Halves to the even number; what lies beyond the bits at their end.
  func quantize(_ input: Tensor, _ bits: (dtype: DType, numbers: ClosedRange<Double>)) throws -> Tensor {
    guard input.isFloatingPoint else { throw UnknownOperation(node, "reads \(input.dtype)") }
    let steps = (input.to(scale.dtype) / (try along(input, scale))).rounded()
    if let zeroPoint { steps.addInPlace(try along(input, zeroPoint).to(steps.dtype)) }
    steps.clampInPlace(bits.numbers)
    return steps.to(bits.dtype)
  }

  func dequantize(_ input: Tensor) throws -> Tensor {
    guard [.uint8, .int8, .int32].contains(input.dtype), zeroPoint.map({ $0.dtype == input.dtype }) ?? true else {
      throw UnknownOperation(node, "reads \(input.dtype), of a zero point of \(zeroPoint?.dtype ?? input.dtype)")
    }
    // Whole numbers of 32 bits do not all fit into a float32.
    let exact = input.dtype == .int32 ? DType.float64 : scale.dtype
    var steps = input.to(exact)
    if let zeroPoint { steps = steps - (try along(input, zeroPoint).to(exact)) }
    return (steps * (try along(input, scale).to(exact))).to(scale.dtype)
  }

  /// Numbers as they stand beside a tensor: one for all, or one for each place of the axis.
  private func along(_ tensor: Tensor, _ numbers: Tensor) throws -> Tensor {
    guard let axis else { return numbers.reshaped([]) }
    let rank = tensor.shape.count
    let place = axis < 0 ? axis + rank : axis
    guard tensor.shape.indices.contains(place), tensor.shape[place] == numbers.count else {
      throw UnknownOperation(node, "has \(numbers.count) scales for axis \(axis) of \(tensor.shape)")
    }
    return numbers.reshaped((0..<rank).map { $0 == place ? numbers.count : 1 })
  }
}
