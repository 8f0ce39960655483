// A weight for a loss whose natural scale is not known beforehand.

import Torch

/// Finds the weight at which a term's gradient at the student's activations is a stated fraction of that of the losses which
/// it joins: cross-entropy, and what else learns from logits.
///
/// A published weight belongs to its batch size, its number of epochs and its teacher: the paper's 3000 for SP to b = 128
/// and 200 epochs. On a short recipe it drowns the labels. What is calibrated here is the pull on the activations that
/// the term compares, measured on the untrained student.
public struct WeightCalibration {
  /// The wanted |weight * d(term)/dA| / |d(reference)/dA|.
  public let fraction: Double
  private let precision: Precision
  private let reference: [Objective.Term]
  private let group: ProcessGroup

  /// - Parameters:
  ///   - fraction: the wanted |weight * d(term)/dA| / |d(reference)/dA|, greater than 0.
  ///   - precision: the student's in training.
  ///   - reference: the losses, all with weights, whose sum the term is set against; see `Objective.lossesOfLogits`.
  ///   - group: the processes that share the batches.
  public init(
    fraction: Double, precision: Precision = .float32, against reference: [Objective.Term] = [.crossEntropy()],
    group: ProcessGroup = ProcessGroup()
  ) {
    (self.fraction, self.precision, self.reference, self.group) = (fraction, precision, reference, group)
  }

  /// The median (the upper of two middle values) over batches of fraction * |d(reference)/dA| / |d(term)/dA|. The student is
  /// left as it was.
  ///
  /// The batches must be prepared for an objective with this term, see `Objective.prepare`.
  /// - Throws: `CalibrationError` where either gradient is missing, zero, not finite or nothing but rounding; whatever the
  ///   teacher's signal throws.
  public func weight(
    of term: Objective.Term, student: Network, teacher: any TeacherSignal, batches: [Batch]
  ) throws -> Double {
    guard !batches.isEmpty else { throw CalibrationError(term, "there is no batch to measure it on") }
    let wasTraining = student.isTraining
    defer { student.train(wasTraining) }
    student.train()
    let losses = [term] + reference
    let ratios = try puttingBack(student.state + losses.flatMap { $0.loss.module?.state ?? [] }) {
      try batches.map { batch in
        let request = losses.reduce(ActivationRequest.logits) { $0.union($1.loss.request) }
        let activations = student.unwidenedActivations(of: batch.student, request, in: precision)
        return try ratio(term, activations, try teacher.output(for: batch), batch)
      }
    }
    return fraction * ratios.sorted()[ratios.count / 2]
  }

  private func ratio(
    _ term: Objective.Term, _ activations: Activations, _ signal: TeacherOutput, _ batch: Batch
  ) throws -> Double {
    let compared = activations.compared(by: term)
    for (name, activation) in compared where activation.abs().maximum().item == 0 {
      throw CalibrationError(term, "the student's \(name) is zero throughout: that layer is dead")
    }
    let wide = Step(student: activations.widened, teacher: signal, batch: batch)
    let termPull = try pull(value(of: term, wide), on: compared, term, of: "its")
    let referencePull = try pull(referenceValue(of: wide), on: compared, term, of: "\(reference.names)'s")
    try refuseNoise(term, wide)
    return referencePull / termPull
  }

  private func referenceValue(of step: Step) throws -> Tensor {
    try reference.reduce(Tensor.zeros([], device: step.batch.student.device)) { sum, term in
      guard let weight = term.weight else { fatalError(UnweightedTerm(id: term.id).description) }
      return sum + (try value(of: term, step)) * weight
    }
  }

  /// A term's loss of a step, or of a rank's rows of one.
  private func value(of term: Objective.Term, _ step: Step) throws -> Tensor {
    term.value(of: step, whole: try step.whole(for: [term], in: group))
  }

  /// The L2 norm of a scalar's gradient over all the activations, each of which it must reach.
  private func pull(
    _ scalar: Tensor, on compared: [(name: String, activation: Tensor)], _ term: Objective.Term, of whose: String
  ) throws -> Double {
    let gradients = scalar.gradients(of: compared.map(\.activation), keepingGraph: true)
    let squares = try zip(compared, gradients).map { compared, gradient in
      guard let gradient else {
        throw CalibrationError(term, "\(whose) gradient does not reach the student's \(compared.name)")
      }
      let square = try squaredNorm(gradient.to(.float32))
      guard square > 0, square.isFinite else {
        let value = square == 0 ? "zero" : "not finite"
        throw CalibrationError(term, "\(whose) gradient at the student's \(compared.name) is \(value)")
      }
      return square
    }
    return squares.reduce(0, +).squareRoot()
  }

  /// Over the rows of all processes.
  private func squaredNorm(_ gradient: Tensor) throws -> Double {
    let sum = gradient.squared().sum()
    try group.allReduce(sum)
    return sum.item
  }

  /// Refuses a gradient that is another one when the activations change in their sixth digit: where teacher and student
  /// say the same, all that is left of their difference is rounding, and a weight from it would be enormous.
  private func refuseNoise(_ term: Objective.Term, _ step: Step) throws {
    let activations = step.student.detached()
    let generator = Generator(seed: 1)
    let (exact, nudged) = (
      activations.leaves { $0.clone() },
      activations.leaves { $0 + $0 * generator.normal($0.shape, deviation: 1e-6).to($0.dtype, device: $0.device) }
    )
    let (one, other) = (try gradients(of: term, step, exact), try gradients(of: term, step, nudged))
    for ((name, gradient), (_, changed)) in zip(one, other) {
      guard let gradient, let changed else { continue }
      guard try squaredNorm(gradient - changed) < 0.25 * squaredNorm(gradient) else {
        throw CalibrationError(
          term, "its gradient at the student's \(name) is nothing but rounding: student and teacher agree there already"
        )
      }
    }
  }

  private func gradients(
    of term: Objective.Term, _ step: Step, _ activations: Activations
  ) throws -> [(name: String, gradient: Tensor?)] {
    let compared = activations.compared(by: term)
    let step = Step(student: activations, teacher: step.teacher, batch: step.batch)
    // What a loss keeps from step to step, such as a memory bank, is part of what its gradient depends on.
    let gradients = try puttingBack(term.loss.module?.state ?? []) {
      try value(of: term, step).gradients(of: compared.map(\.activation))
    }
    return zip(compared, gradients).map { ($0.name, $1) }
  }
}

/// Gives tensors their values back after `body`.
private func puttingBack<Result>(
  _ state: [(name: String, tensor: Tensor)], _ body: () throws -> Result
) rethrows -> Result {
  let values = state.map { $0.tensor.detached().clone() }
  defer { withoutGradients { for (entry, value) in zip(state, values) { entry.tensor.copyInPlace(value) } } }
  return try body()
}

extension Activations {
  /// The activations whose gradients are measured: those that a term compares.
  fileprivate func compared(by term: Objective.Term) -> [(name: String, activation: Tensor)] {
    let taps = term.loss.request.taps.sorted().map { ("'\($0)'", tap($0)) }
    return taps + (term.loss.request.logits ? [("logits", requiredLogits())] : [])
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
  /// The term's id.
  public let term: String
  /// Why there is none.
  public let reason: String

  init(_ term: Objective.Term, _ reason: String) {
    self.term = term.id
    self.reason = reason
  }

  public var description: String {
    "the weight of '\(term)' cannot be calibrated: \(reason); give a number instead of auto"
  }
}
