// From an ONNX file to a graph.

import Files
import Foundation
import SwiftProtobuf
import Torch

/// A network from an ONNX file: its graph, and what the file says beside it.
///
/// The file is data: nothing in it is executed but the operations that Kindred knows. What has no part when the network runs
/// (operations on constants, copies of values, shapes that are the same for every batch) is gone from the graph.
public struct ONNXFile {
  /// The file.
  public let url: URL
  /// The computation. Parameters have their initialisers' names.
  public internal(set) var graph: Graph
  /// The version of ONNX's operations that it was written for.
  public let opset: Int
  /// The program that wrote it.
  public let producer: String
  /// What its metadata say, such as class names.
  public let metadata: [String: String]
  /// The input as the file describes it: lengths, and names for those that are left open.
  public let declaredInput: [String]
  /// What is to be known of it before it is trained, a line each: weights that stand for several layers, batch norms that are
  /// gone.
  public let remarks: [String]

  /// Reads a file.
  /// - Parameters:
  ///   - url: the file; external data lie beside it.
  ///   - inputShape: of one input, C x H x W; nil for what the file says.
  ///   - openSize: what height and width are taken as where the file leaves them open; nil to refuse such a file.
  ///   - taps: names for values that are to be asked for, by the value's name.
  /// - Throws: `ONNXError` for a file that is damaged or none, or a network that cannot be run.
  public init(
    _ url: URL, inputShape: [Int]? = nil, openSize: Int? = nil, taps: KeyValuePairs<String, String> = [:]
  ) throws {
    try self.init(
      url, inputShape: inputShape, openSize: openSize,
      namedTaps: taps.map { Graph.Tap(name: $0.key, value: $0.value) })
  }

  /// - Throws: `ONNXError`.
  package init(_ url: URL, inputShape: [Int]?, openSize: Int? = nil, namedTaps: [Graph.Tap]) throws {
    do {
      let model = try ONNXFile.model(url)
      var reading = try ONNXGraphReading(model, tensors: ONNXTensorReader(folder: url.deletingLastPathComponent()))
      try reading.simplify()
      let shape = try inputShape ?? reading.declaredShape(openSize: openSize)
      graph = try reading.graph(inputShape: shape, taps: namedTaps)
      try graph.nameTaps(namedTaps)
      self.url = url
      opset = reading.opset
      producer = [model.producerName, model.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
      metadata = Dictionary(model.metadataProps.map { ($0.key, $0.value) }) { first, _ in first }
      declaredInput = reading.declaredInput
      remarks = reading.remarks + ONNXFile.trainingRemarks(graph)
    } catch let problem as ONNXProblem {
      throw ONNXError(url, problem.text)
    } catch let error as UnknownOperation {
      throw ONNXError(url, error.description)
    } catch let error as TorchError {
      throw ONNXError(url, "cannot be run: \(error)")
    }
  }

  /// What a file's metadata say, without its network being looked at.
  /// - Throws: `ONNXError`.
  package static func metadata(of url: URL) throws -> [String: String] {
    do {
      return Dictionary(try model(url).metadataProps.map { ($0.key, $0.value) }) { first, _ in first }
    } catch let problem as ONNXProblem {
      throw ONNXError(url, problem.text)
    }
  }

  /// Whether a file is an ONNX file by its first bytes.
  package static func isOne(_ url: URL) -> Bool { FileKind(of: url) == .onnx }

  static func model(_ url: URL) throws -> ONNXModel {
    if let kind = FileKind(of: url), kind != .onnx {
      throw ONNXProblem("is \(kind.name), not an ONNX file\(kind.remedy.map { "; \($0)" } ?? "")")
    }
    let data: Data
    do {
      data = try Data(contentsOf: url, options: .mappedIfSafe)
    } catch {
      throw ONNXProblem("cannot be read: \(systemReason(error))")
    }
    do {
      let model = try ONNXModel(serializedBytes: data)
      guard model.hasGraph, !model.graph.node.isEmpty else { throw ONNXProblem("holds no network") }
      return model
    } catch is BinaryDecodingError {
      throw ONNXProblem("is damaged, or no ONNX file")
    } catch is SwiftProtobufError {
      throw ONNXProblem("is damaged, or no ONNX file")
    }
  }
}
