// A training step that a device repeats as a whole.

import Torch

/// What a step works on.
struct StepInputs {
  let batch: Batch
  /// What the teacher gives, where it is not run within the step.
  let signal: TeacherOutput?

  /// The same in memory of its own.
  func copied() -> StepInputs {
    StepInputs(batch: batch.copied(), signal: signal?.copied())
  }

  /// Takes over the contents of others of the same shapes.
  func fill(from other: StepInputs) {
    batch.fill(from: other.batch)
    if let signal, let new = other.signal { signal.fill(from: new) }
  }
}

extension Batch {
  /// The same in memory of its own.
  fileprivate func copied() -> Batch {
    let student = student.clone()
    var copy = Batch(
      student, teacher: self.student === teacher ? student : teacher.clone(), labels: labels?.clone(),
      indices: indices.clone(), position: position)
    copy.extras = extras.mapValues { $0.clone() }
    copy.mixing = mixing?.map { $0.clone() }
    return copy
  }

  /// Takes over the contents of another of the same shapes.
  fileprivate func fill(from other: Batch) {
    student.copyInPlace(other.student)
    if student !== teacher { teacher.copyInPlace(other.teacher) }
    if let labels, let new = other.labels { labels.copyInPlace(new) }
    indices.copyInPlace(other.indices)
    if let mixing, let new = other.mixing {
      mixing.labels.copyInPlace(new.labels)
      mixing.share.copyInPlace(new.share)
    }
    for (key, tensor) in extras {
      if let new = other.extras[key] { tensor.copyInPlace(new) }
    }
  }
}

/// Carries out the steps of a run: the first few as they are, then one that is captured, then its replays.
///
/// A captured step works on memory that stays where it is, so every step's inputs are copied there first. The steps
/// before the capture are steps of the run like any other; in them libtorch chooses its kernels and allocates what it
/// keeps. A batch of another size, such as a smaller last one, is always carried out as it is.
final class CapturedStep {
  private static let warmUpSteps = 3

  private let work: any WorkCapture
  private let batchSize: Int
  private let body: (StepInputs) throws -> Void
  private var inputs: StepInputs?
  private var steps = 0

  /// - Parameter body: a step, on whichever inputs it is given.
  init(_ work: any WorkCapture, batchSize: Int, body: @escaping (StepInputs) throws -> Void) {
    (self.work, self.batchSize, self.body) = (work, batchSize, body)
  }

  func callAsFunction(_ given: StepInputs) throws {
    guard given.batch.count == batchSize else { return try body(given) }
    let inputs = self.inputs ?? given.copied()
    inputs.fill(from: given)
    self.inputs = inputs
    if steps < CapturedStep.warmUpSteps {
      try body(inputs)
    } else {
      if steps == CapturedStep.warmUpSteps { try capture(on: inputs) }
      work.replay()
    }
    steps += 1
  }

  private func capture(on inputs: StepInputs) throws {
    do {
      try work.capture { [body] in try body(inputs) }
    } catch let error as TorchError where !error.isOutOfMemory {
      throw StepNotCaptured(reason: error)
    }
  }
}

/// A step that does something that cannot be captured. Nothing of it was done.
public struct StepNotCaptured: Error, CustomStringConvertible, Sendable {
  /// libtorch's own words.
  public let reason: TorchError

  public var description: String { "the step cannot be captured: \(reason)" }
}
