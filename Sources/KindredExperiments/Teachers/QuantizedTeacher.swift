// The int8 teacher of a run: calibrated on its first batches, measured on its evaluation images, refused if it costs too much.

import Graph
import Kindred
import KindredVision
import Torch

/// What a teacher in int8 is made from.
struct QuantizedTeacher {
  let network: Network
  let needs: TeacherNeeds
  /// Whether the teacher tells the same number of classes as the images have.
  let hasTheirClasses: Bool

  /// - Parameter onCost: is told what int8 costs, also where that is too much.
  /// - Throws: `RunError` where it cannot work in int8 or loses more than the configuration allows; whatever `onCost`
  ///   throws.
  func signal(
    _ settings: Configuration, training: ImageSet, evaluation: ImageSet, onCost: (QuantizationCost) throws -> Void
  ) throws -> LiveTeacher {
    guard let quantization = settings.teacher?.quantization else { preconditionFailure("a teacher has its settings") }
    let teacher: LiveTeacher
    do {
      teacher = try LiveTeacher(
        quantizing: network, needs: needs,
        calibration: try settings.firstBatches(quantization.calibrationBatches, training),
        heldOut: try settings.checkedBatches(quantization.checkedImages, evaluation), comparingLabels: hasTheirClasses)
    } catch let error as QuantizationError {
      throw RunError("teacher.precision: \(error)")
    }
    guard let cost = teacher.quantizationCost else { preconditionFailure("an int8 teacher was measured") }
    try onCost(cost)
    do {
      try cost.check(quantization.bounds)
    } catch let error as QuantizationTooCostly {
      throw RunError(
        "teacher.int8\(error.key.map { ".\($0)" } ?? ""): \(error); raise that bound, calibrate on more batches, or use precision: float32"
      )
    }
    return teacher
  }
}

extension Configuration {
  /// The run's first batches, as they are trained on.
  /// - Throws: `DataError` naming a file that cannot be read.
  func firstBatches(_ count: Int, _ images: ImageSet) throws -> [Batch] {
    var batches = batches(of: images, epochs: 1).batches(from: BatchPosition())
    return try batches.prefix(min(count, batchesPerEpoch))
  }

  /// Evaluation images of all classes in batches of the run's size, to which similarities belong.
  fileprivate func checkedBatches(_ count: Int, _ images: ImageSet) throws -> [Batch] {
    let batches = try images.checkedBatches(count, size: training.batchSize, device: device)
    guard !batches.isEmpty else {
      throw RunError("teacher.precision: int8 is measured on two evaluation images or more")
    }
    return batches
  }
}

extension ImageSet {
  /// The first images of all classes in full batches of at most `size`; none where there are not two images.
  /// - Throws: `DataError` naming a file that cannot be read.
  func checkedBatches(_ count: Int, size: Int, device: Device = .cpu) throws -> [Batch] {
    let chosen = first(perSetBalanced: min(count, self.count))
    let size = min(size, chosen.count)
    guard size >= 2 else { return [] }
    var batches = EvaluationImages(chosen, batchSize: size, device: device).batches()
    return try batches.prefix(chosen.count / size)
  }
}

extension QuantizationTooCostly {
  /// The key of the bound in a configuration; nil where there is none that would help.
  var key: String? {
    switch figure {
    case .top1Drop: "largest_top1_drop"
    case .gramError: "largest_gram_error"
    case .gramCorrelation: "smallest_gram_correlation"
    case .logits: nil
    }
  }
}
