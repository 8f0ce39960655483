// A weight for a loss whose natural scale is not known beforehand.

import Torch

/// Finds the weight at which a term's gradient at the student's activations is a stated fraction of cross-entropy's.
///
/// A published weight belongs to its batch size, its number of epochs and its teacher: the paper's 3000 for SP to b = 128
/// and 200 epochs. On a short recipe it drowns the labels. What is calibrated here is the pull on the activations that
/// the term compares, measured on the untrained student.
public struct WeightCalibration {
  public let fraction: Double
  private let precision: Precision

  /// - Parameters:
  ///   - fraction: the wanted |weight * d(term)/dA| / |d(cross-entropy)/dA|, greater than 0.
  ///   - precision: the student's in training.
  public init(fraction: Double, precision: Precision = .float32) {
    (self.fraction, self.precision) = (fraction, precision)
  }

  /// The median (the upper of two middle values) over batches of fraction * |d(cross-entropy)/dA| / |d(term)/dA|. The student is left as it was.
  /// - Throws: `CalibrationError` where the term has no gradient; whatever the teacher's signal throws.
  public func weight(
    of loss: any DistillationLoss, student: Network, teacher: any TeacherSignal, batches: [Batch]
  ) throws -> Double {
    let before = (student.state + (loss.adapter?.state ?? [])).map { ($0.tensor, $0.tensor.detached().clone()) }
    let wasTraining = student.isTraining
    defer {
      withoutGradients { for (tensor, value) in before { tensor.copyInPlace(value) } }
      student.train(wasTraining)
    }
    student.train()
    let ratios = try batches.map { batch in
      let request = loss.studentRequest.union(.logits)
      return try ratio(loss, student.activations(of: batch.images, request, in: precision), teacher, batch)
    }
    return fraction * ratios.sorted()[ratios.count / 2]
  }

  private func ratio(
    _ loss: any DistillationLoss, _ activations: Activations, _ teacher: any TeacherSignal, _ batch: Batch
  ) throws -> Double {
    let tapped = loss.studentRequest.taps.sorted().map(activations.tap)
    let compared = tapped.isEmpty ? [activations.requiredLogits()] : tapped
    let term = loss(activations, try teacher.output(for: batch))
    let termPull = pull(term, on: compared)
    let labelPull = pull(activations.requiredLogits().crossEntropy(labels: batch.labels), on: compared)
    guard termPull > 0, termPull.isFinite, labelPull.isFinite else {
      throw CalibrationError(term: loss.name, gradient: termPull)
    }
    return labelPull / termPull
  }

  /// The L2 norm of a scalar's gradient over all the activations.
  private func pull(_ scalar: Tensor, on activations: [Tensor]) -> Double {
    scalar.gradients(of: activations, keepingGraph: true)
      .compactMap { $0 }
      .reduce(0) { $0 + $1.squared().sum().item }
      .squareRoot()
  }
}

/// A term whose weight cannot be found by calibration.
public struct CalibrationError: Error, CustomStringConvertible, Sendable {
  public let term: String
  public let gradient: Double

  public var description: String {
    "the weight of '\(term)' cannot be calibrated: its gradient at the student's activations is \(gradient); "
      + "give a number instead of auto"
  }
}
