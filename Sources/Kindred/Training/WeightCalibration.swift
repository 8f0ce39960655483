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
  /// - Throws: `CalibrationError` where either gradient is missing, zero, not finite or nothing but rounding; whatever the
  ///   teacher's signal throws.
  public func weight(
    of loss: any DistillationLoss, student: Network, teacher: any TeacherSignal, batches: [Batch]
  ) throws -> Double {
    guard !batches.isEmpty else { throw CalibrationError(loss, "there is no batch to measure it on") }
    let before = (student.state + (loss.adapter?.state ?? [])).map { ($0.tensor, $0.tensor.detached().clone()) }
    let wasTraining = student.isTraining
    defer {
      withoutGradients { for (tensor, value) in before { tensor.copyInPlace(value) } }
      student.train(wasTraining)
    }
    student.train()
    let ratios = try batches.map { batch in
      let request = loss.studentRequest.union(.logits)
      let activations = student.unwidenedActivations(of: batch.images, request, in: precision)
      return try ratio(loss, activations, try teacher.output(for: batch), batch)
    }
    return fraction * ratios.sorted()[ratios.count / 2]
  }

  private func ratio(
    _ loss: any DistillationLoss, _ activations: Activations, _ signal: TeacherOutput, _ batch: Batch
  ) throws -> Double {
    let compared = activations.compared(by: loss)
    for (name, activation) in compared where activation.absolute().maximum().item == 0 {
      throw CalibrationError(loss, "the student's \(name) is zero throughout: that layer is dead")
    }
    let wide = activations.widened
    let term = loss(wide, signal)
    let termPull = try pull(term, on: compared, loss, of: "its")
    try refuseNoise(loss, wide.detached(), signal)
    let crossEntropy = wide.requiredLogits().crossEntropy(labels: batch.labels)
    return try pull(crossEntropy, on: compared, loss, of: "cross-entropy's") / termPull
  }

  /// The L2 norm of a scalar's gradient over all the activations, each of which it must reach.
  private func pull(
    _ scalar: Tensor, on compared: [(name: String, activation: Tensor)], _ loss: any DistillationLoss, of whose: String
  ) throws -> Double {
    let gradients = scalar.gradients(of: compared.map(\.activation), keepingGraph: true)
    let squares = try zip(compared, gradients).map { compared, gradient in
      guard let gradient else {
        throw CalibrationError(loss, "\(whose) gradient does not reach the student's \(compared.name)")
      }
      let square = gradient.to(.float32).squared().sum().item
      guard square > 0, square.isFinite else {
        let value = square == 0 ? "zero" : "not finite"
        throw CalibrationError(loss, "\(whose) gradient at the student's \(compared.name) is \(value)")
      }
      return square
    }
    return squares.reduce(0, +).squareRoot()
  }

  /// Refuses a gradient that is another one when the activations change in their sixth digit: where teacher and student
  /// say the same, all that is left of their difference is rounding, and a weight from it would be enormous.
  private func refuseNoise(
    _ loss: any DistillationLoss, _ activations: Activations, _ signal: TeacherOutput
  ) throws {
    let generator = Generator(seed: 1)
    let (exact, nudged) = (
      activations.leaves { $0.clone() },
      activations.leaves { $0 + $0 * generator.normal($0.shape, deviation: 1e-6).to($0.dtype, device: $0.device) }
    )
    let (one, other) = (gradients(of: loss, exact, signal), gradients(of: loss, nudged, signal))
    for ((name, gradient), (_, changed)) in zip(one, other) {
      guard let gradient, let changed else { continue }
      guard (gradient - changed).norm().item < 0.5 * gradient.norm().item else {
        throw CalibrationError(
          loss, "its gradient at the student's \(name) is nothing but rounding: student and teacher agree there already"
        )
      }
    }
  }

  private func gradients(
    of loss: any DistillationLoss, _ activations: Activations, _ signal: TeacherOutput
  ) -> [(name: String, gradient: Tensor?)] {
    let compared = activations.compared(by: loss)
    let gradients = loss(activations, signal).gradients(of: compared.map(\.activation))
    return zip(compared, gradients).map { ($0.name, $1) }
  }
}

extension Activations {
  /// The activations whose gradients are measured: those that a term taps, or else the logits.
  fileprivate func compared(by loss: any DistillationLoss) -> [(name: String, activation: Tensor)] {
    let taps = loss.studentRequest.taps.sorted().map { ("'\($0)'", tap($0)) }
    return taps.isEmpty ? [("logits", requiredLogits())] : taps
  }

  fileprivate func detached() -> Activations {
    Activations(logits: logits?.detached(), taps: taps.mapValues { $0.detached() })
  }

  /// Each replaced by another one, at which gradients can be asked for.
  fileprivate func leaves(_ change: (Tensor) -> Tensor) -> Activations {
    func leaf(_ tensor: Tensor) -> Tensor {
      let leaf = change(tensor)
      leaf.requiresGradient = true
      return leaf
    }
    return Activations(logits: logits.map(leaf), taps: taps.mapValues(leaf))
  }
}

/// A term whose weight cannot be found by calibration, and why.
public struct CalibrationError: Error, CustomStringConvertible, Sendable {
  public let term: String
  public let reason: String

  init(_ loss: any DistillationLoss, _ reason: String) {
    term = loss.name
    self.reason = reason
  }

  public var description: String {
    "the weight of '\(term)' cannot be calibrated: \(reason); give a number instead of auto"
  }
}
