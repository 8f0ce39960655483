// What an exported file is to be, and the graph that it holds.

import Foundation
import Torch

/// What an exported file says and does beside the network itself.
public struct ONNXExport: Sendable {
  /// What the input's numbers are.
  public enum Input: Sendable, Equatable {
    /// Already normalised.
    case normalized
    /// From 0 to 1; the file normalises them.
    case unit(mean: [Double], deviation: [Double])
    /// Bytes' values from 0 to 255, as floating-point numbers; the file normalises them.
    case bytes(mean: [Double], deviation: [Double])
  }

  /// What the file computes in. Input, logits and taps are float32 in any case.
  public enum Precision: Sendable, Equatable {
    /// As the network was trained.
    case float32
    /// Weights and values take half of the memory and have three digits; none is above 65,504.
    case float16
    /// Weights and what lies between layers are bytes (QDQ form), steps by these ranges.
    case int8(ValueRanges)
  }

  /// What the input's numbers are.
  public var input: Input
  /// What the file computes in.
  public var precision: Precision
  /// Taps that the file gives beside the logits.
  public var taps: [String]
  /// What is written into the file's metadata.
  public var metadata: [String: String]

  /// The logits of normalised images in float32, unless something else is said.
  public init(
    input: Input = .normalized, precision: Precision = .float32, taps: [String] = [], metadata: [String: String] = [:]
  ) {
    self.input = input
    self.precision = precision
    self.taps = taps
    self.metadata = metadata
  }
}

/// A network that cannot be written as ONNX.
public struct ONNXExportError: Error, CustomStringConvertible, Sendable {
  /// Why.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// A value that a file gives, and what it is called there.
struct ONNXOutput {
  let name: String
  var value: String
}

extension Graph {
  /// The network as an ONNX file's bytes: for inference, batch norms folded into the convolutions before them, for batches of
  /// any size.
  /// - Throws: `ONNXExportError`.
  public func onnx(_ export: ONNXExport = ONNXExport()) throws -> Data {
    var outputs = try outputs(taps: export.taps)
    var graph = forInference(outputs)
    switch export.precision {
    case .float32: break
    case .float16: try graph.makeHalf(&outputs)
    case .int8(let ranges): graph = try graph.quantized(ranges, outputs: outputs.map(\.value))
    }
    graph.normalize(export.input)
    let model = try ONNXWriter(graph, outputs: outputs, metadata: export.metadata).model()
    do {
      return try model.serializedBytes()
    } catch {
      throw ONNXExportError("the network is too large for one file: \(error)")
    }
  }

  /// The logits, unless they are of no class, and some taps.
  /// - Throws: `ONNXExportError`.
  func outputs(taps names: [String]) throws -> [ONNXOutput] {
    let own = logits.flatMap { shapes[$0] == [0] ? nil : ONNXOutput(name: outputName, value: $0) }
    guard own != nil || !names.isEmpty else {
      throw ONNXExportError("the network has no logits to give; name a tap, such as pooled")
    }
    return try [own].compactMap(\.self)
      + names.map { tap in
        guard let value = value(of: tap) else {
          throw ONNXExportError("the network has no tap '\(tap)'; it has \(taps.map(\.name).joined(separator: ", "))")
        }
        return ONNXOutput(name: tap, value: value)
      }
  }

  /// What the outputs come of, and no more.
  func forInference(_ outputs: [ONNXOutput]) -> Graph {
    let values = outputs.map(\.value)
    var graph = folded(keeping: Set(values))
    graph.nodes = graph.nodes(for: values)
    return graph
  }
}
