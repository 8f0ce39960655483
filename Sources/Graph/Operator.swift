// What ONNX's operations do with tensors.

import Torch

/// How a graph is run: batch norms and dropout do another thing in training.
struct RunMode {
  let isTraining: Bool
  /// The most elements that a value may have: what a stranger's file makes beyond it was meant to fill the memory.
  var largestValue = Int.max
}

/// An operation made ready to run: its inputs in ONNX's order, nil for one that is left out, to its outputs.
typealias Kernel = ([Tensor?], RunMode) throws -> [Tensor]

/// One of ONNX's operations.
struct Operator {
  /// Reads the attributes once, before anything runs.
  let kernel: @Sendable (Graph.Node, Graph) throws -> Kernel
  /// Whether going backwards needs neither what it read nor what it made, so that what it made may be changed in place.
  var forgetsItsOutput = false
  /// Whether what it makes shares memory with what it read.
  var isView = false

  /// By their names.
  static let known: [String: Operator] = layers.merging(elementwise) { first, _ in first }
    .merging(shapes) { first, _ in first }.merging(quantization) { first, _ in first }

  /// How many inputs an operation cannot do without, from the first on.
  static func fewestInputs(_ name: String) -> Int {
    switch name {
    case "BatchNormalization": 5
    case "Where", "Slice", "Range", "GroupNormalization", "InstanceNormalization": 3
    case "Conv", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Equal", "PRelu", "Reshape", "Expand",
      "Gather", "QuantizeLinear", "DequantizeLinear", "LayerNormalization":
      2
    default: 1
    }
  }

  /// An operation of one tensor.
  static func unary(_ body: @escaping @Sendable (Tensor) -> Tensor) -> Operator {
    Operator { _, _ in { inputs, _ in [body(inputs.at(0))] } }
  }
}

extension [Tensor?] {
  /// An input that ONNX demands.
  func at(_ index: Int) -> Tensor {
    guard indices.contains(index), let tensor = self[index] else { preconditionFailure("input \(index) is left out") }
    return tensor
  }

  /// An input that may be left out.
  func optional(_ index: Int) -> Tensor? { indices.contains(index) ? self[index] : nil }
}

/// An operation that cannot be run.
public struct UnknownOperation: Error, CustomStringConvertible, Sendable {
  /// Which, and what is wrong with it.
  public let description: String

  init(_ node: Graph.Node, _ problem: String) { description = "\(node.operation) '\(node.name)': \(problem)" }
}

extension Graph.Node {
  /// Whether what it makes shares memory with what it reads.
  var isView: Bool { Operator.known[operation]?.isView ?? true }
}
