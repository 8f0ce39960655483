// Between which numbers the values of a network lie: what their steps in 8 bits are made from.

import Torch

/// The lowest and the highest element that each value of a network has had.
public struct ValueRanges: Sendable, Equatable {
  private var ranges: [String: ClosedRange<Double>] = [:]

  /// Of values that have had no element yet.
  public init() {}

  /// The range of a value; nil for one without elements.
  public subscript(value: String) -> ClosedRange<Double>? { ranges[value] }

  /// - Throws: `QuantizationError.notFinite`.
  mutating func include(_ tensor: Tensor, as value: String) throws {
    let (lowest, highest) = (tensor.minimum().item, tensor.maximum().item)
    guard lowest.isFinite, highest.isFinite else { throw QuantizationError.notFinite }
    let known = ranges[value] ?? lowest...highest
    ranges[value] = min(known.lowerBound, lowest)...max(known.upperBound, highest)
  }

  /// The range of all of some values.
  func union(of values: [String]) -> ClosedRange<Double>? {
    let own = values.compactMap { ranges[$0] }
    guard let lowest = own.map(\.lowerBound).min(), let highest = own.map(\.upperBound).max() else { return nil }
    return lowest...highest
  }
}

extension Graph {
  /// What the values of the network, as it is exported, are on batches of normalised inputs; `outputs` are
  /// the taps that will be exported beside the logits.
  /// - Throws: `ONNXExportError`; `QuantizationError.notFinite`; `UnknownOperation`.
  public func ranges(on batches: [Tensor], exporting outputs: [String] = []) throws -> ValueRanges {
    let graph = forInference(try self.outputs(taps: outputs))
    var ranges = ValueRanges()
    for piece in batches.flatMap(\.pieces) {
      try ranges.include(piece, as: input)
      try withoutGradients {
        try graph.walk(piece, .inference) { node, values in
          for (name, value) in zip(node.outputs, values) where value.isFloatingPoint && value.count > 0 {
            try ranges.include(value, as: name)
          }
        }
      }
    }
    return ranges
  }

  /// Runs operation by operation, each value let go after its last reader.
  /// - Parameter visit: is given what each node makes.
  /// - Throws: `UnknownOperation`; `TorchError`; whatever `visit` throws.
  func walk(_ batch: Tensor, _ mode: RunMode, visit: (Node, [Tensor]) throws -> Void) throws {
    var values = tensors.mapValues(Optional.some)
    values[input] = batch
    let lastReader = Dictionary(
      nodes.enumerated().flatMap { index, node in node.inputs.map { ($0, index) } }
    ) { max($0, $1) }
    for (index, node) in nodes.enumerated() {
      let inputs = node.inputs.map { values[$0] ?? nil }
      let kernel = try operation(of: node).kernel(node, self)
      let made = try withTorchErrors { try kernel(inputs, mode) }
      for (name, tensor) in zip(node.outputs, made) { values[name] = tensor }
      try visit(node, made)
      for value in node.inputs where lastReader[value] == index && tensors[value] == nil { values[value] = nil }
    }
  }
}

extension RunMode {
  /// For what a network of ours answers.
  static let inference = RunMode(isTraining: false)
}

extension Tensor {
  /// A batch in parts whose activations do not fill the memory: an image of 224 x 224 each, or 64 of 32 x 32.
  fileprivate var pieces: [Tensor] {
    let size = max(1, (1 << 16) / max(1, shape.dropFirst(2).reduce(1, *)))
    return stride(from: 0, to: shape[0], by: size).map { narrowed(0, $0..<min($0 + size, shape[0])) }
  }
}
