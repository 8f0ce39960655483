// What a network in fewer bits is calibrated and measured on before its file takes its place.

import Graph
import Kindred
import KindredVision
import Torch

/// Images for calibrating and measuring an export, and what it may cost.
package struct ExportTrial {
  let calibration: [Batch]
  let heldOut: [Batch]
  let bounds: QuantizationCost.Bounds

  /// The first training batches and the evaluation images of the run that a network comes from; of a network without a
  /// run, or for other images, the set's own training and test images.
  /// - Throws: `DataError`; `RunError` where there are not enough images.
  package init(
    _ stored: StoredNetwork, images data: Configuration.Images, _ library: ImageLibrary,
    _ quantization: Configuration.Quantization
  ) throws {
    let images: RunImages
    let size: Int
    if var settings = stored.settings, settings.data == data {
      settings.training.device = .cpu
      images = try RunImages(settings.data, library)
      size = settings.training.batchSize
      calibration = try settings.firstBatches(quantization.calibrationBatches, images.training)
    } else {
      images = try RunImages(data, library)
      size = Recipe().batchSize
      calibration = try images.training.checkedBatches(quantization.calibrationBatches * size, size: size)
    }
    heldOut = try (images.evaluation ?? images.training).checkedBatches(quantization.checkedImages, size: size)
    bounds = quantization.bounds
    guard !heldOut.isEmpty, !calibration.isEmpty else {
      throw RunError("what fewer bits cost is measured on two evaluation images or more, after one training batch")
    }
  }

  /// What a file that was written in fewer bits costs beside the network.
  /// - Throws: `RunError` where that is too much.
  func cost(
    of file: StoredONNX, _ precision: QuantizationCost.Precision, beside network: Network
  ) throws -> QuantizationCost {
    do {
      let cost = try QuantizationCost(
        precision, of: file.network, beside: network, heldOut: heldOut, convolutions: file.reducedConvolutions,
        role: "file")
      try cost.check(bounds, of: "file")
      return cost
    } catch let error as QuantizationTooCostly {
      let bound = error.key.map { "allow more with --\($0.replacing("_", with: "-")), " } ?? ""
      let batches = precision == .int8 ? "calibrate on more batches, " : ""
      throw RunError("\(error); \(bound)\(batches)or use --precision float32")
    }
  }
}
