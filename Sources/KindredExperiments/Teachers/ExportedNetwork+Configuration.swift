// An exported teacher as a configuration names it: read, run once, and refused in one line where it does not fit.

import Foundation
import Kindred
import KindredVision
import Torch

extension ExportedNetwork {
  /// Reads a network and runs it on zeros in every batch size that the run has.
  /// - Throws: `RunError` naming the file or the output that does not fit.
  package init(_ exported: Configuration.Exported, for settings: Configuration) throws {
    self = try exported.refused {
      let model = try ExportedModel(exported.file.url, device: settings.device)
      let networks = try settings.batchShapes.map { shape in
        try ExportedNetwork(
          model, name: exported.file.url.lastPathComponent, outputs: exported.outputs, inputShape: shape,
          device: settings.device)
      }
      return networks[0]
    }
  }
}

/// What an exported network gives for a configuration's images, whether the configuration names it or not.
package struct ExportedInspection {
  package struct Output {
    /// The index or key under which a configuration names it.
    package let place: String
    /// With the batch axis in front; nil where the output is no tensor of floating-point numbers.
    package let shape: [Int]?
    /// What the configuration calls it.
    package let names: [String]
  }

  package let outputs: [Output]

  /// - Throws: `RunError` for a file that cannot be read or does not take the images.
  package init(_ exported: Configuration.Exported, for settings: Configuration) throws {
    outputs = try exported.refused {
      let device = settings.device
      let result = try ExportedModel(exported.file.url, device: device)(
        Tensor.zeros(settings.batchShapes[0], device: device))
      return result.tensors.indices.map { index in
        let places: [ExportedNetwork.Place] =
          result.isDictionary ? [.key(result.names[index])] : [.index(index), .key(result.names[index])]
        return Output(
          place: result.isDictionary ? result.names[index] : "\(index)",
          shape: result.tensors[index].isFloatingPoint ? result.tensors[index].shape : nil,
          names: exported.outputs.filter { places.contains($0.value) }.map(\.key).sorted())
      }
    }
  }
}

extension Configuration.Exported {
  /// What the teacher's signal depends on beside the batches.
  /// - Throws: `DataError` where the file cannot be read.
  func facts() throws -> [RecordingHeader.Fact] {
    let places = outputs.sorted { $0.key < $1.key }.map { "\($0) is \($1)" }.joined(separator: ", ")
    return [
      .init("teacher's file \(RecordingHeader.fileFact)", try Digest.sha256.hex(of: file.url)),
      .init("teacher's outputs", places),
    ]
  }

  /// Makes one line of whatever is wrong with the file or its outputs.
  fileprivate func refused<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try withTorchErrors(body)
    } catch let error as ExportedModelError {
      throw RunError("teacher.exported: \(file.url.displayName): \(error.problem)")
    } catch let error as ExportedNetworkError {
      let nearest = error.unknownKey.flatMap { Spelling.nearest(to: $0.key, among: $0.known) }
      let advice = nearest.map { "; did you mean '\($0)'?" } ?? ""
      throw RunError("teacher.outputs.\(error.output): \(error.problem)\(advice)")
    }
  }
}

extension Configuration {
  /// The shapes of the run's batches: the usual one, and an epoch's last where that is smaller.
  fileprivate var batchShapes: [[Int]] {
    let image = data.teacherShape
    let sizes = [training.batchSize] + (lastBatchSize == training.batchSize ? [] : [lastBatchSize])
    return sizes.map { [$0, image.channels, image.height, image.width] }
  }
}
