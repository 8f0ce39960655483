// Operations that move elements, and those on shapes.

import Torch

extension Operator {
  static let shapes: [String: Operator] = views.merging(moving) { first, _ in first }

  /// What they make shares memory with what they read.
  private static let views: [String: Operator] = [
    "Identity": .view { input, _ in input },
    "Flatten": Operator(
      kernel: { node, _ in
        let axis = node.int("axis", 1)
        return { inputs, _ in
          let (input, shape) = (inputs.at(0), inputs.at(0).shape)
          let start = axis < 0 ? axis + shape.count : axis
          guard (0...shape.count).contains(start) else {
            throw UnknownOperation(node, "flattens axis \(axis) of \(shape)")
          }
          return [start == 1 ? input.flattened(from: 1) : input.reshaped([shape[..<start].reduce(1, *), -1])]
        }
      }, isView: true),
    "Reshape": Operator(
      kernel: { _, _ in
        { inputs, _ in
          let (input, lengths) = (inputs.at(0), inputs.at(1).integers)
          let own = input.shape
          return [input.reshaped(lengths.enumerated().map { $1 == 0 && $0 < own.count ? own[$0] : $1 })]
        }
      }, isView: true),
    "Transpose": Operator(
      kernel: { node, _ in
        let order = node.ints("perm")
        return { inputs, _ in [inputs.at(0).permuted(order ?? inputs.at(0).shape.indices.reversed())] }
      }, isView: true),
    "Squeeze": .view { input, node in
      let shape = input.shape
      let axes = node.axes(of: shape) ?? shape.indices.filter { shape[$0] == 1 }
      return axes.sorted(by: >).reduce(input) { $0.squeezed($1) }
    },
    "Unsqueeze": Operator(
      kernel: { node, _ in
        { inputs, _ in
          let axes = inputs.optional(1)?.integers ?? node.ints("axes") ?? []
          let rank = inputs.at(0).shape.count + axes.count
          return [axes.map { $0 < 0 ? $0 + rank : $0 }.sorted().reduce(inputs.at(0)) { $0.unsqueezed($1) }]
        }
      }, isView: true),
    "Slice": Operator(
      kernel: { node, _ in
        { inputs, _ in
          let (starts, ends) = (inputs.at(1).integers, inputs.at(2).integers)
          let axes = inputs.optional(3)?.integers ?? Array(starts.indices)
          let steps = inputs.optional(4)?.integers ?? starts.map { _ in 1 }
          guard starts.count == ends.count, axes.count == ends.count, steps.allSatisfy({ $0 == 1 }) else {
            throw UnknownOperation(node, "takes other steps than 1, or has as many starts as it should not")
          }
          return [zip(axes, zip(starts, ends)).reduce(inputs.at(0)) { $0.sliced($1.0, from: $1.1.0, to: $1.1.1) }]
        }
      }, isView: true),
    "Split": Operator(
      kernel: { node, _ in
        let axis = node.int("axis")
        return { inputs, _ in
          let shape = inputs.at(0).shape
          guard (-shape.count..<shape.count).contains(axis) else {
            throw UnknownOperation(node, "splits axis \(axis) of \(shape)")
          }
          let length = shape[axis < 0 ? axis + shape.count : axis]
          let part = (length + node.outputs.count - 1) / node.outputs.count
          let lengths =
            inputs.optional(1)?.integers ?? node.ints("split")
            ?? node.outputs.indices.map { min(part, length - $0 * part) }
          var start = 0
          return lengths.map { length in
            defer { start += length }
            return inputs.at(0).sliced(axis, from: start, to: start + length)
          }
        }
      }, isView: true),
    "Expand": Operator(
      kernel: { node, _ in
        { inputs, mode in
          let (own, wanted) = (inputs.at(0).shape, inputs.at(1).integers)
          let rank = max(own.count, wanted.count)
          let shape = (0..<rank).map { place -> Int in
            let lengths = [own, wanted].map { $0.count >= rank - place ? $0[$0.count - rank + place] : 1 }
            return lengths[0] == 1 ? lengths[1] : lengths[0]
          }
          try node.limit(shape, mode)
          return [inputs.at(0).expanded(shape)]
        }
      }, isView: true),
  ]

  private static let moving: [String: Operator] = [
    "Concat": Operator { node, _ in
      let axis = node.int("axis")
      return { inputs, mode in
        try node.limit([inputs.reduce(0) { $0 + ($1?.count ?? 0) }], mode)
        return [.concatenated(inputs.compactMap { $0 }, axis: axis)]
      }
    },
    "Gather": Operator { node, _ in
      let axis = node.int("axis")
      return { inputs, mode in
        let (input, indices) = (inputs.at(0), inputs.at(1))
        let place = axis < 0 ? axis + input.shape.count : axis
        guard input.shape.indices.contains(place) else {
          throw UnknownOperation(node, "reads axis \(axis) of \(input.shape)")
        }
        let length = input.shape[place]
        let chosen = indices.integers.map { Int64($0 < 0 ? $0 + length : $0) }
        var shape = input.shape
        shape.replaceSubrange(place...place, with: indices.shape)
        try node.limit(shape, mode)
        let flat = Tensor(chosen, shape: [chosen.count]).to(device: input.device)
        return [input.indexSelect(place, flat).reshaped(shape)]
      }
    },
    "Shape": Operator { node, _ in
      { inputs, _ in
        let shape = inputs.at(0).shape
        let range = [node.int("start"), node.int("end", shape.count)].map {
          min(max($0 < 0 ? $0 + shape.count : $0, 0), shape.count)
        }
        return [.shape(range[0] < range[1] ? Array(shape[range[0]..<range[1]]) : [])]
      }
    },
    "ConstantOfShape": Operator { node, _ in
      let value = node.tensor("value") ?? Tensor(0)
      return { inputs, mode in
        let shape = inputs.at(0).integers
        try node.limit(shape, mode)
        return [.full(shape, value.item, dtype: value.dtype)]
      }
    },
    "Range": Operator { node, _ in
      { inputs, mode in
        let (start, limit, step) = (inputs.at(0).item, inputs.at(1).item, inputs.at(2).item)
        let count = step == 0 ? -1 : ((limit - start) / step).rounded(.up)
        guard count.isFinite, count >= 0, count < 1e8 else {
          throw UnknownOperation(node, "counts from \(start) to \(limit) by \(step)")
        }
        try node.limit([Int(count)], mode)
        return [
          Tensor.arange(Int(count), dtype: inputs.at(0).dtype).affine(scale: step, shift: start).to(inputs.at(0).dtype)
        ]
      }
    },
    "Pad": Operator { node, _ in
      guard node.text("mode", "constant") == "constant" else {
        throw UnknownOperation(node, "pads by other than constants")
      }
      return { inputs, mode in
        let (input, pads) = (inputs.at(0), inputs.optional(1)?.integers ?? node.ints("pads") ?? [])
        let rank = input.shape.count
        guard pads.count == 2 * rank, inputs.optional(3) == nil else {
          throw UnknownOperation(node, "has \(pads.count) pads for \(rank) axes")
        }
        try node.limit(input.shape.indices.map { input.shape[$0] + pads[$0] + pads[$0 + rank] }, mode)
        let value = inputs.optional(2)?.item ?? 0
        return [input.padded((0..<rank).reversed().flatMap { [pads[$0], pads[$0 + rank]] }, value: value)]
      }
    },
  ]

  /// A view that the attributes tell.
  private static func view(_ body: @escaping @Sendable (Tensor, ShapeArguments) -> Tensor) -> Operator {
    Operator(
      kernel: { node, _ in
        { inputs, _ in
          [body(inputs.at(0), ShapeArguments(inputs.optional(1)?.integers ?? node.ints("axes")))]
        }
      }, isView: true)
  }

  /// The axes that an operation names, as an input or as an attribute.
  struct ShapeArguments {
    private let given: [Int]?

    init(_ given: [Int]?) { self.given = given }

    /// Counted from the first axis.
    func axes(of shape: [Int]) -> [Int]? { given?.map { $0 < 0 ? $0 + shape.count : $0 } }
  }
}

extension Tensor {
  /// The elements of an integer tensor.
  var integers: [Int] { elements(as: Int64.self).map(Int.init) }

  /// A part of an axis, with bounds as ONNX has them: negative ones count from the end, those beyond it are the end.
  func sliced(_ axis: Int, from start: Int, to end: Int) -> Tensor {
    let length = shape[axis < 0 ? axis + shape.count : axis]
    let bounds = [start, end].map { min(max($0 < 0 ? $0 + length : $0, 0), length) }
    return narrowed(axis, bounds[0]..<max(bounds[0], bounds[1]))
  }
}
