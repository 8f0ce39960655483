// What an epoch's steps come to, summed up where it is computed.

import Torch

/// Sums of an epoch's losses and right answers, kept on the run's device.
///
/// Adding a step is work for the device alone; only reading waits for it. What is read does not depend on how often it
/// is read.
final class StepMetrics {
  /// The last step's weighted total and what all steps came to.
  struct Reading {
    var sums: [String: Double]
    var correct: Int
    var loss: Double
    /// The sum of the norms of the steps' gradients, of those that were clipped.
    var gradientNorms: Double
    /// The first value that was not finite, and its step in the epoch.
    var bad: (step: Int, term: String, value: Double)?
  }

  /// The objective's terms by id, and the weighted total.
  private let names: [String]
  // One element for each name. A sum stays at its first value that is not finite.
  private let sums: Tensor
  private let last: Tensor
  /// How many of the epoch's steps passed before a sum stopped being finite.
  private let finiteSteps: Tensor
  private let correct: Tensor
  private let gradientNorms: Tensor

  init(_ objective: Objective, device: Device) {
    names = objective.terms.map(\.id) + [Objective.totalID]
    sums = .zeros([names.count], dtype: .float64, device: device)
    last = .zeros([names.count], dtype: .float64, device: device)
    finiteSteps = .zeros([names.count], dtype: .int64, device: device)
    correct = .zeros([1], dtype: .int64, device: device)
    gradientNorms = .zeros([1], dtype: .float64, device: device)
  }

  /// Goes on from an epoch's figures so far.
  func start(from progress: TrainingProgress) {
    // At an epoch's beginning there are none.
    sums.copyInPlace(Tensor(names.map { progress.sums[$0] ?? 0 }, shape: [names.count]))
    finiteSteps.fillInPlace(Double(progress.position.batch))
    correct.fillInPlace(Double(progress.correct))
    gradientNorms.fillInPlace(progress.gradientNorms ?? 0)
  }

  /// Adds the norm of a step's gradients, unless it is not finite: the next loss will say so.
  func add(gradientNorm: Tensor) {
    withoutGradients {
      let next = gradientNorms + gradientNorm
      gradientNorms.copyInPlace(Tensor.where(next.isFinite, next, gradientNorms))
    }
  }

  /// A step's figures, while those of the other ranks come in.
  struct Pending {
    /// The terms' values and the weighted total, then the right answers: of all ranks the sums.
    fileprivate let figures: Tensor
    fileprivate let exchange: Exchange
  }

  /// Takes a step's figures: each term's value, and the right answers where there are labels: of mixed inputs, those of the
  /// larger parts.
  /// - Throws: `ProcessGroupError`.
  func begin(
    _ value: Objective.Value, logits: Tensor?, _ batch: Batch, in group: ProcessGroup
  ) throws -> Pending {
    try withoutGradients {
      let values = Tensor.stacked(value.terms.map(\.value) + [value.total]).to(.float64)
      let correct = batch.labels.flatMap { labels in logits.map { $0.argmax(1).equal(to: labels).sum() } }
      let count = correct?.to(.float64) ?? Tensor.zeros([], dtype: .float64, device: values.device)
      let figures = Tensor.concatenated([values, count.reshaped([1])])
      return Pending(figures: figures, exchange: try group.beginAllReduce(figures))
    }
  }

  /// Adds a step's figures, the terms weighted by the number of inputs.
  /// - Throws: `ProcessGroupError`.
  func finish(_ pending: Pending, _ batch: Batch) throws {
    try pending.exchange.wait()
    withoutGradients {
      let values = pending.figures.narrowed(0, 0..<names.count)
      last.copyInPlace(batch.part.map { values / Double($0.rank.count) } ?? values)
      let next = sums + last * Double(batch.wholeCount)
      sums.copyInPlace(Tensor.where(sums.isFinite, next, sums))
      finiteSteps.addInPlace(sums.isFinite)
      correct.addInPlace(pending.figures.narrowed(0, names.count..<names.count + 1).to(.int64))
    }
  }

  /// All figures in one transfer, once the device has computed them.
  func read() -> Reading {
    let counts = Tensor.concatenated([finiteSteps, correct]).to(.float64)
    let figures = Tensor.concatenated([sums, last, counts, gradientNorms]).elements(as: Double.self)
    let count = names.count
    let (sums, steps) = (figures[..<count], figures[(2 * count)..<(3 * count)])
    var reading = Reading(
      sums: Dictionary(uniqueKeysWithValues: zip(names, sums)), correct: Int(figures[3 * count]),
      loss: figures[2 * count - 1], gradientNorms: figures[3 * count + 1])
    let ends = zip(zip(names, sums), steps).filter { !$0.0.1.isFinite }
    if let ((term, value), step) = ends.min(by: { $0.1 < $1.1 }) { reading.bad = (Int(step), term, value) }
    return reading
  }
}
