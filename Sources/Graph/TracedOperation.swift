// PyTorch's operations in ONNX's words.

import Torch

/// What an operation of libtorch is in a graph: one operation, or a few in a row.
struct TracedOperation {
  /// An operation that reads what the one before it made, and constants.
  struct Part {
    let operation: String
    var attributes: [String: Attribute] = [:]
    var constants: [Tensor] = []
    /// Of its value, where another part follows.
    var shape: [Int]?
  }

  let parts: [Part]

  init(_ parts: Part...) { self.parts = parts }

  init(_ operation: String, _ attributes: [String: Attribute] = [:], constants: [Tensor] = []) {
    self.init(Part(operation: operation, attributes: attributes, constants: constants))
  }

  typealias Translation = @Sendable (OperationRecorder.Record) -> TracedOperation?

  /// By libtorch's names.
  static let known: [String: Translation] = [
    "conv2d": { record in
      let (padding, kernel) = (record.ints("padding"), Array(record.inputs[1].shape.suffix(2)))
      return TracedOperation(
        "Conv",
        [
          "kernel_shape": .ints(kernel), "strides": .ints(record.ints("stride")), "pads": .ints(padding + padding),
          "dilations": .ints(record.ints("dilation")), "group": .int(record.int("groups")),
        ])
    },
    "linear": { $0.inputs[0].shape.count == 2 ? TracedOperation("Gemm", ["transB": .int(1)]) : nil },
    "batch_norm": {
      // ONNX's momentum is what is kept of the running statistics, PyTorch's what is added to them.
      TracedOperation(
        "BatchNormalization", ["epsilon": .number($0.number("eps")), "momentum": .number(1 - $0.number("momentum"))])
    },
    "layer_norm": { record in
      let shape = record.ints("normalized_shape")
      guard shape.count < record.inputs[0].shape.count else { return nil }
      return TracedOperation(
        "LayerNormalization", ["axis": .int(-shape.count), "epsilon": .number(record.number("eps"))],
        constants: record.absentScales(shape, needsBias: false))
    },
    "group_norm": { record in
      TracedOperation(
        "GroupNormalization",
        ["num_groups": .int(record.int("num_groups")), "epsilon": .number(record.number("eps"))],
        constants: record.absentScales([record.inputs[0].shape[1]], needsBias: true))
    },
    // In double precision, as the layer has it.
    "dropout": { TracedOperation("Dropout", constants: [Tensor($0.number("p"), dtype: .float64)]) },
    "relu": { _ in TracedOperation("Relu") },
    "sigmoid": { _ in TracedOperation("Sigmoid") },
    "tanh": { _ in TracedOperation("Tanh") },
    "gelu": { TracedOperation("Gelu", ["approximate": .text($0.text("approximate"))]) },
    "hardtanh": {
      TracedOperation("Clip", constants: [Tensor($0.number("min_val")), Tensor($0.number("max_val"))])
    },
    "add": { $0.inputs.count == 2 ? TracedOperation("Add") : nil },
    "sub": { $0.inputs.count == 2 ? TracedOperation("Sub") : nil },
    "mul": { $0.inputs.count == 2 ? TracedOperation("Mul") : nil },
    "div": { $0.inputs.count == 2 ? TracedOperation("Div") : nil },
    "max_pool2d": { TracedOperation("MaxPool", $0.window) },
    "avg_pool2d": {
      TracedOperation("AveragePool", $0.window.merging(["count_include_pad": .int(1)]) { first, _ in first })
    },
    "adaptive_avg_pool2d": { record in
      record.ints("output_size") == [1, 1] ? TracedOperation("GlobalAveragePool") : nil
    },
    "flatten": { $0.int("start_dim") == 1 ? TracedOperation("Flatten", ["axis": .int(1)]) : nil },
    "permute": { record in
      let axes = record.ints("dims").map { $0 < 0 ? $0 + record.inputs[0].shape.count : $0 }
      return axes.first == 0 ? TracedOperation("Transpose", ["perm": .ints(axes)]) : nil
    },
    "cat": { $0.int("dim") > 0 ? TracedOperation("Concat", ["axis": .int($0.int("dim"))]) : nil },
    "narrow": { record in
      let (axis, start) = (record.int("dim"), record.int("start"))
      guard axis > 0 else { return nil }
      let bounds = [[start], [start + record.int("length")], [axis]].map { Tensor($0.map(Int64.init), shape: [1]) }
      return TracedOperation("Slice", constants: bounds)
    },
    "channel_shuffle": { record in
      let (shape, groups) = (record.inputs[0].shape, record.int("groups"))
      let (channels, image) = (shape[1], Array(shape[2...]))
      let split = [groups, channels / groups] + image
      return TracedOperation(
        Part(operation: "Reshape", constants: [Tensor.shape([0] + split)], shape: split),
        Part(
          operation: "Transpose", attributes: ["perm": .ints([0, 2, 1, 3, 4])],
          shape: [channels / groups, groups] + image),
        Part(operation: "Reshape", constants: [Tensor.shape([0, channels] + image)]))
    },
  ]
}

extension OperationRecorder.Record {
  fileprivate func int(_ name: String) -> Int {
    if case .int(let value) = attributes[name] { return value }
    return 0
  }

  fileprivate func ints(_ name: String) -> [Int] {
    if case .ints(let values) = attributes[name] { return values }
    return []
  }

  fileprivate func number(_ name: String) -> Double {
    if case .number(let value) = attributes[name] { return value }
    return 0
  }

  fileprivate func text(_ name: String) -> String {
    if case .text(let value) = attributes[name] { return value }
    return ""
  }

  /// The scale, 1, and the shift, 0, that a norm goes without and ONNX's demands.
  fileprivate func absentScales(_ shape: [Int], needsBias: Bool) -> [Tensor] {
    let dtype = inputs[0].dtype
    let scales: [Tensor] = [.ones(shape, dtype: dtype)] + (needsBias ? [.zeros(shape, dtype: dtype)] : [])
    return Array(scales.dropFirst(inputs.count - 1))
  }

  /// A pooling's window.
  fileprivate var window: [String: Attribute] {
    [
      "kernel_shape": .ints(ints("kernel_size")), "strides": .ints(ints("stride")),
      "pads": .ints(ints("padding") + ints("padding")), "ceil_mode": .int(int("ceil_mode")),
    ]
  }
}

extension Tensor {
  /// A shape as an operation reads it; 0 is the length of the input's axis.
  static func shape(_ lengths: [Int]) -> Tensor { Tensor(lengths.map(Int64.init), shape: [lengths.count]) }
}
