// Convolutions, matrix products, normalisation and pooling.

import Torch

extension Operator {
  static let layers: [String: Operator] = products.merging(norms) { first, _ in first }
    .merging(pools) { first, _ in first }

  private static let products: [String: Operator] = [
    "Conv": Operator(
      kernel: { node, _ in
        let (options, pads) = (try node.convolutionOptions(), try node.unevenPads())
        return { inputs, mode in
          let input = try node.padded(inputs.at(0), pads, 0, mode)
          try node.limit(convolutionOf: input.shape, by: inputs.at(1).shape, options, mode)
          return [input.convolvedWide(inputs.at(1), bias: inputs.optional(2), options)]
        }
      }, forgetsItsOutput: true),
    "Gemm": Operator { node, _ in
      let (alpha, beta) = (node.number("alpha", 1), node.number("beta", 1))
      let (isTransposed, isLinear) = (node.int("transB") == 1, alpha == 1 && beta == 1 && node.int("transA") == 0)
      return { inputs, _ in
        let (a, b, bias) = (inputs.at(0), inputs.at(1), inputs.optional(2))
        if isLinear, isTransposed, bias?.shape.count ?? 1 == 1 { return [a.linear(b, bias: bias)] }
        let product = (node.int("transA") == 1 ? a.transposed() : a).matmul(isTransposed ? b.transposed() : b)
        let scaled = alpha == 1 ? product : product * alpha
        return [bias.map { scaled + (beta == 1 ? $0 : $0 * beta) } ?? scaled]
      }
    },
    "MatMul": Operator { node, _ in
      { inputs, mode in
        let shapes = [inputs.at(0).shape, inputs.at(1).shape]
        let rows = shapes[0].dropLast().reduce(1) { $0 &* max($1, 1) }
        let batches = shapes[1].dropLast(2).reduce(1) { $0 &* max($1, 1) }
        try node.limit([rows, shapes[1].last ?? 1, batches], mode)
        return [inputs.at(0).matmul(inputs.at(1))]
      }
    },
  ]

  private static let norms: [String: Operator] = [
    "BatchNormalization": Operator(
      kernel: { node, graph in
        let (momentum, epsilon) = (1 - node.number("momentum", 0.9), node.number("epsilon", 1e-5))
        let tracked = graph.batchesTracked(by: node)
        let isFrozen = graph.frozenNodes.contains(node.name)
        return { inputs, mode in
          let usesBatch = mode.isTraining && !isFrozen
          if usesBatch { tracked?.addInPlace(1) }
          return [
            inputs.at(0).batchNormalized(
              BatchNormParameters(
                weight: inputs.at(1), bias: inputs.at(2), mean: inputs.at(3), variance: inputs.at(4), epsilon: epsilon),
              training: usesBatch, momentum: momentum)
          ]
        }
      }, forgetsItsOutput: true),
    "LayerNormalization": Operator { node, _ in
      let (axis, epsilon) = (node.int("axis", -1), node.number("epsilon", 1e-5))
      return { inputs, _ in
        let shape = inputs.at(0).shape
        let start = axis < 0 ? axis + shape.count : axis
        guard shape.indices.contains(start) else { throw UnknownOperation(node, "normalises axis \(axis) of \(shape)") }
        return [
          inputs.at(0).layerNormalized(
            Array(shape[start...]), weight: inputs.at(1), bias: inputs.optional(2), epsilon: epsilon)
        ]
      }
    },
    "GroupNormalization": Operator { node, _ in
      let (groups, epsilon) = (node.int("num_groups"), node.number("epsilon", 1e-5))
      return { inputs, _ in [try node.groupNormalized(inputs, groups: groups, epsilon)] }
    },
    // The norm of groups of one channel each.
    "InstanceNormalization": Operator { node, _ in
      let epsilon = node.number("epsilon", 1e-5)
      return { inputs, _ in [try node.groupNormalized(inputs, groups: inputs.at(1).count, epsilon)] }
    },
    "Dropout": Operator(
      kernel: { node, graph in
        let ratio = try node.dropoutRatio(in: graph)
        let isFrozen = graph.frozenNodes.contains(node.name)
        return { inputs, mode in
          [inputs.at(0).dropped(ratio, place: node.name, isTraining: mode.isTraining && !isFrozen)]
        }
      }, isView: true),
  ]

  private static let pools: [String: Operator] = [
    "MaxPool": Operator { node, _ in
      let (pooling, pads) = (try node.pooling(), try node.unevenPads())
      return { inputs, mode in [try node.padded(inputs.at(0), pads, -.infinity, mode).maxPooled(pooling)] }
    },
    "AveragePool": Operator { node, _ in
      let (pooling, pads) = (try node.pooling(), try node.unevenPads())
      guard pads == nil || node.int("count_include_pad") == 1 else {
        throw UnknownOperation(node, "averages over uneven pads that do not count")
      }
      return { inputs, mode in [try node.padded(inputs.at(0), pads, 0, mode).averagePooled(pooling)] }
    },
    "GlobalAveragePool": .unary { $0.averagePooled(toHeight: 1, width: 1) },
    "GlobalMaxPool": .unary { $0.maximum([2, 3], keepingAxes: true) },
    "ReduceMean": .reduction { $0.mean($1, keepingAxes: $2) },
    "ReduceSum": .reduction { $0.sum($1, keepingAxes: $2) },
    "ReduceMax": .reduction { $0.maximum($1, keepingAxes: $2) },
  ]

  /// Over axes, as an input or as an attribute; over all of them where none is named.
  private static func reduction(_ body: @escaping @Sendable (Tensor, [Int], Bool) -> Tensor) -> Operator {
    Operator { node, _ in
      let keep = node.int("keepdims", 1) == 1
      return { inputs, _ in
        let axes = inputs.optional(1)?.integers ?? node.ints("axes") ?? []
        if axes.isEmpty, node.int("noop_with_empty_axes") == 1 { return [inputs.at(0)] }
        return [body(inputs.at(0), axes.isEmpty ? Array(inputs.at(0).shape.indices) : axes, keep)]
      }
    }
  }
}

extension Tensor {
  /// A convolution that computes in float32 what is float16 on the CPU: on a processor without instructions for it,
  /// libtorch's own took 3 to 37 times as long in nine of ten cases that were tried (five shapes, two layouts).
  fileprivate func convolvedWide(_ weight: Tensor, bias: Tensor?, _ options: ConvolutionOptions) -> Tensor {
    guard dtype == .float16, device == .cpu else { return convolved(weight, bias: bias, options) }
    return to(.float32).convolved(weight.to(.float32), bias: bias?.to(.float32), options).to(.float16)
  }
}

extension Graph {
  /// The count of batches beside a batch norm's running mean, where the network has one.
  func batchesTracked(by node: Node) -> Tensor? {
    let mean = node.inputs.at(3)
    guard let dot = mean.lastIndex(of: ".") else { return nil }
    return tensors[mean[...dot] + Graph.batchesTracked]
  }
}

extension Graph.Node {
  /// - Throws: `UnknownOperation` for channels that are not as many as the scales, or cannot be in so many groups.
  fileprivate func groupNormalized(_ inputs: [Tensor?], groups: Int, _ epsilon: Double) throws -> Tensor {
    let (shape, weight, bias) = (inputs.at(0).shape, inputs.at(1), inputs.at(2))
    guard shape.count > 1, groups > 0, shape[1] % groups == 0, weight.shape == [shape[1]], bias.shape == weight.shape
    else {
      throw UnknownOperation(
        self,
        "normalises \(groups) groups of \(shape) with \(weight.count) scales: one for each channel is known, as from opset "
          + "21 on")
    }
    return inputs.at(0).groupNormalized(groups, weight: weight, bias: bias, epsilon: epsilon)
  }

  /// The share of elements that are dropped in training.
  /// - Throws: `UnknownOperation`.
  fileprivate func dropoutRatio(in graph: Graph) throws -> Double {
    guard !inputs.at(1).isEmpty else { return number("ratio", 0.5) }
    guard let ratio = graph.tensors[inputs[1]], ratio.count == 1, (0..<1).contains(ratio.item) else {
      throw UnknownOperation(self, "has a ratio that is no constant from 0 to 1")
    }
    return ratio.item
  }

  /// - Throws: `UnknownOperation` for what libtorch has no convolution for.
  func convolutionOptions() throws -> ConvolutionOptions {
    ConvolutionOptions(
      stride: try size("strides", from: 1) ?? 1, padding: try padding(), dilation: try size("dilations", from: 1) ?? 1,
      groups: int("group", 1))
  }

  /// - Throws: `UnknownOperation`.
  func pooling() throws -> Pooling {
    guard let kernel = try size("kernel_shape", from: 1) else { throw UnknownOperation(self, "has no kernel_shape") }
    guard try size("dilations", from: 1) ?? 1 == 1 else {
      throw UnknownOperation(self, "has dilations, which are not known")
    }
    return Pooling(
      kernel: kernel, stride: try size("strides", from: 1) ?? 1, padding: try padding(),
      roundsUp: int("ceil_mode") == 1,
      countsPadding: int("count_include_pad") == 1)
  }

  /// The pads before and after the last axis and the one before it, where they are not the same on both sides.
  func unevenPads() throws -> [Int]? {
    let pads = try pads()
    return pads[0] == pads[2] && pads[1] == pads[3] ? nil : [pads[1], pads[3], pads[0], pads[2]]
  }

  /// - Parameter pads: as `unevenPads` gives them; nil for none.
  fileprivate func padded(_ input: Tensor, _ pads: [Int]?, _ value: Double, _ mode: RunMode) throws -> Tensor {
    guard let pads else { return input }
    let shape = input.shape
    guard shape.count == 4 else { throw UnknownOperation(self, "pads an image of \(shape)") }
    try limit([shape[0], shape[1], shape[2] + pads[2] + pads[3], shape[3] + pads[0] + pads[1]], mode)
    return input.padded(pads, value: value)
  }

  private func padding() throws -> Size2D {
    let pads = try pads()
    return pads[0] == pads[2] && pads[1] == pads[3] ? Size2D(height: pads[0], width: pads[1]) : 0
  }

  /// Above, left, below, right.
  private func pads() throws -> [Int] {
    guard ["NOTSET", "VALID"].contains(text("auto_pad", "NOTSET")) else {
      throw UnknownOperation(self, "auto_pad \(text("auto_pad", "")) is not known; export with explicit pads")
    }
    let pads = ints("pads") ?? [0, 0, 0, 0]
    guard pads.count == 4, pads.allSatisfy({ (0...1024).contains($0) }) else {
      throw UnknownOperation(self, "pads is \(pads); only images' two axes are known")
    }
    return pads
  }

  private func size(_ name: String, from least: Int) throws -> Size2D? {
    guard let values = ints(name) else { return nil }
    guard values.count == 2, values.allSatisfy({ (least...4096).contains($0) }) else {
      throw UnknownOperation(self, "\(name) is \(values); only images' two axes are known")
    }
    return Size2D(height: values[0], width: values[1])
  }

  /// - Throws: `UnknownOperation` for a convolution of shapes that do not fit, or too large.
  fileprivate func limit(
    convolutionOf input: [Int], by weight: [Int], _ options: ConvolutionOptions, _ mode: RunMode
  ) throws {
    guard input.count == 4, weight.count == 4, options.groups > 0, weight[0] % options.groups == 0,
      weight[1].multipliedReportingOverflow(by: options.groups) == (input[1], false)
    else {
      throw UnknownOperation(self, "weights \(weight) in \(options.groups) groups do not fit an input of \(input)")
    }
    let shape = [
      input[0], weight[0], input[2] / options.stride.height + 2 * options.padding.height + 1,
      input[3] / options.stride.width + 2 * options.padding.width + 1,
    ]
    try limit(shape, mode)
  }
}
