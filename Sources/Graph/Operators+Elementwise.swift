// Operations on each element, alone or of two tensors.

import Torch

extension Operator {
  static let elementwise: [String: Operator] = unaries.merging(binaries) { first, _ in first }

  private static let unaries: [String: Operator] = [
    "Relu": .unary { $0.relu() },
    "Sigmoid": .unary { $0.sigmoid() },
    "Tanh": .unary { $0.tanh() },
    "Erf": .unary { $0.erf() },
    "Softplus": .unary { $0.softplus() },
    "HardSwish": .unary { $0.hardswish() },
    "Exp": .unary { $0.exp() },
    "Log": .unary { $0.log() },
    "Sqrt": .unary { $0.sqrt() },
    "Neg": .unary { -$0 },
    "Abs": .unary { $0.abs() },
    "Reciprocal": .unary { Tensor(1, dtype: $0.dtype) / $0 },
    "Gelu": Operator { node, _ in
      let byTanh = node.text("approximate", "none") == "tanh"
      return { inputs, _ in [inputs.at(0).gelu(byTanh: byTanh)] }
    },
    "Elu": Operator { node, _ in
      let alpha = node.number("alpha", 1)
      return { inputs, _ in [inputs.at(0).elu(alpha: alpha)] }
    },
    "LeakyRelu": Operator { node, _ in
      let slope = node.number("alpha", 0.01)
      return { inputs, _ in [inputs.at(0).leakyReLU(slope: slope)] }
    },
    "HardSigmoid": Operator { node, _ in
      let (alpha, beta) = (node.number("alpha", 0.2), node.number("beta", 0.5))
      return { inputs, _ in [inputs.at(0).affine(scale: alpha, shift: beta).hardtanh(0...1)] }
    },
    "Clip": Operator { node, graph in
      let range = try node.clipRange(in: graph)
      return { inputs, _ in [inputs.at(0).hardtanh(range)] }
    },
    "Softmax": Operator { node, _ in
      let axis = node.int("axis", -1)
      return { inputs, _ in [inputs.at(0).softmax(axis)] }
    },
    "Cast": Operator { node, _ in
      guard let dtype = ONNXElement(rawValue: Int32(clamping: node.int("to")))?.dtype else {
        throw UnknownOperation(node, "casts to ONNX's element type \(node.int("to")), which is not known here")
      }
      return { inputs, _ in [inputs.at(0).to(dtype)] }
    },
  ]

  private static let binaries: [String: Operator] = [
    "Add": Operator(kernel: { node, _ in node.broadcasting { $0 + $1 } }, forgetsItsOutput: true),
    "Sub": Operator { node, _ in node.broadcasting { $0 - $1 } },
    "Mul": Operator { node, _ in node.broadcasting { $0 * $1 } },
    "Div": Operator { node, _ in
      // ONNX's division of whole numbers gives whole ones.
      node.broadcasting { $0.dtype.isFloatingPoint ? $0 / $1 : ($0 / $1).to($0.dtype) }
    },
    "Pow": Operator { node, graph in
      guard let exponent = graph.tensors[node.inputs.at(1)], exponent.count == 1 else {
        throw UnknownOperation(node, "has an exponent that is not one constant")
      }
      let value = exponent.item
      return { inputs, _ in [inputs.at(0).pow(value)] }
    },
    "Mod": Operator { node, _ in
      node.broadcasting { a, b in
        // Of whole numbers alone: remainders have the divisor's sign.
        a - (a.to(.float64) / b.to(.float64)).floored().to(a.dtype) * b
      }
    },
    "Equal": Operator { node, _ in node.broadcasting { $0.equal(to: $1) } },
    "PRelu": Operator { node, _ in
      node.broadcasting { Tensor.where($0.greater(than: 0), $0, $0 * $1) }
    },
    "Where": Operator { node, _ in
      { inputs, mode in
        try node.limit(inputs, mode)
        return [Tensor.where(inputs.at(0), inputs.at(1), inputs.at(2))]
      }
    },
  ]
}

extension Tensor {
  /// The largest whole number that is not above each element.
  fileprivate func floored() -> Tensor {
    let nearest = rounded()
    return nearest - nearest.greater(thanElementsOf: self)
  }

  private func greater(thanElementsOf other: Tensor) -> Tensor { (self - other).greater(than: 0).to(dtype) }
}

extension [String] {
  /// The name of an input; empty for one that is left out.
  func at(_ index: Int) -> String { indices.contains(index) ? self[index] : "" }
}

extension Graph.Node {
  func broadcasting(_ body: @escaping (Tensor, Tensor) -> Tensor) -> Kernel {
    { inputs, mode in
      try limit(inputs, mode)
      return [body(inputs.at(0), inputs.at(1))]
    }
  }

  /// - Throws: `UnknownOperation` where tensors broadcast to more elements than a value may have.
  func limit(_ inputs: [Tensor?], _ mode: RunMode) throws {
    let shapes = inputs.compactMap { $0?.shape }
    let rank = shapes.map(\.count).max() ?? 0
    let lengths = (1...max(rank, 1)).map { place in
      shapes.map { $0.count >= place ? $0[$0.count - place] : 1 }.max() ?? 1
    }
    try limit(lengths, mode)
  }

  /// - Throws: `UnknownOperation` for a shape of more elements than a value may have.
  func limit(_ shape: [Int], _ mode: RunMode) throws {
    var count = 1
    for length in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: max(length, 0))
      guard !overflows, product <= mode.largestValue else {
        throw UnknownOperation(self, "gives a tensor of \(shape), which is too large")
      }
      count = product
    }
  }

  /// The bounds of a `Clip`, which are constants.
  /// - Throws: `UnknownOperation`.
  func clipRange(in graph: Graph) throws -> ClosedRange<Double> {
    let bounds = try (1...2).map { index -> Double? in
      guard !inputs.at(index).isEmpty else { return nil }
      guard let bound = graph.tensors[inputs[index]], bound.count == 1 else {
        throw UnknownOperation(self, "has bounds that are computed")
      }
      return bound.item
    }
    let (lowest, highest) = (bounds[0] ?? number("min", -.infinity), bounds[1] ?? number("max", .infinity))
    guard lowest <= highest else { throw UnknownOperation(self, "clips to nothing: from \(lowest) to \(highest)") }
    return lowest...highest
  }
}
