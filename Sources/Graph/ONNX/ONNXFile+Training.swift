// What becomes of a file's network when it is trained: what stands in the way, and what is to be known before.

import Foundation
import SwiftProtobuf
import Torch

extension ONNXFile {
  /// Refuses a network that cannot be trained.
  /// - Throws: `ONNXError`.
  package func requireTrainable() throws {
    guard !graph.nodes.contains(where: \.isLinearQuantization) else {
      throw ONNXError(url, "is in 8 bits, and nothing learns through its rounding; name the network before that")
    }
    let trained = graph.tensors.filter(\.value.requiresGradient)
    guard !trained.isEmpty else { throw ONNXError(url, "has no weights that could be trained") }
    if let (name, tensor) = trained.first(where: { $0.value.dtype != .float32 }) {
      throw ONNXError(url, "holds '\(name)' as \(tensor.dtype); weights are trained in float32: export them so")
    }
  }

  /// What is odd about a network that is to be trained, a line each.
  static func trainingRemarks(_ graph: Graph) -> [String] {
    guard !graph.nodes.contains(where: \.isLinearQuantization) else {
      return [
        "its values are rounded to 8 bits between operations, which lets no gradient through: it can answer and teach, not "
          + "be trained"
      ]
    }
    let trained = graph.tensors.filter(\.value.requiresGradient).keys.sorted()
    let (operations, opaque) = (Set(graph.nodes.map(\.operation)), trained.filter(isOpaque))
    let norms = ["BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization"]
    var remarks: [String] = []
    if operations.contains("Conv"), operations.isDisjoint(with: norms) {
      remarks.append(
        "it has no batch norms, as after an export for inference: right for a teacher; to train it, export it with "
          + "training=TrainingMode.TRAINING, do_constant_folding=False, dynamo=False")
    }
    if let first = opaque.first {
      remarks.append(
        "\(opaque.count) of its \(trained.count) weights have lost their names, such as '\(first)': they are kept as they are"
      )
    }
    return remarks
  }

  /// Names that exporters number through.
  private static func isOpaque(_ name: String) -> Bool {
    name.hasPrefix("onnx::") || name.hasPrefix("val_") || name.allSatisfy(\.isNumber)
  }

  /// A file's bytes, with what lies in other files beside it taken in.
  /// - Throws: `ONNXError`.
  package static func selfContained(_ url: URL) throws -> Data {
    do {
      var model = try model(url)
      guard model.graph.initializer.contains(where: { $0.dataLocation == .external }) else {
        return try Data(contentsOf: url)
      }
      let reader = ONNXTensorReader(folder: url.deletingLastPathComponent())
      for index in model.graph.initializer.indices {
        try reader.takeIn(&model.graph.initializer[index])
      }
      return try model.serializedBytes()
    } catch let problem as ONNXProblem {
      throw ONNXError(url, problem.text)
    } catch let error as BinaryEncodingError {
      throw ONNXError(url, "is too large to be kept in one file: \(error)")
    }
  }

  /// The files beside it in which its tensors lie.
  /// - Throws: `ONNXError`.
  package static func externalFiles(of url: URL) throws -> [URL] {
    do {
      let locations = try model(url).graph.initializer.flatMap(\.externalData).filter { $0.key == "location" }
      return Set(locations.map(\.value)).sorted().map { url.deletingLastPathComponent().appending(path: $0) }
    } catch let problem as ONNXProblem {
      throw ONNXError(url, problem.text)
    }
  }
}

extension ONNXTensorReader {
  /// Puts external data into the tensor itself.
  /// - Throws: `ONNXProblem`.
  fileprivate func takeIn(_ data: inout ONNXTensorData) throws {
    guard data.dataLocation == .external else { return }
    data.rawData = Data(try tensor(data).bytes())
    data.dataLocation = .default
    data.externalData = []
  }
}
