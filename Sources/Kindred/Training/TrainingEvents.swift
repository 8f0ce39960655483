// A run as its caller sees it: one event after another.

import Torch

/// The events of a run, pulled one by one: each call trains as far as the next event.
///
/// The caller owns the loop. To stop, it pulls no more; what was trained so far is in the student and can be saved as a
/// `Checkpoint`, from which the run goes on bit for bit.
public final class TrainingEvents {
  private let distiller: Distiller
  private let loop: TrainingLoop

  init(_ distiller: Distiller, _ loop: TrainingLoop) { (self.distiller, self.loop) = (distiller, loop) }

  /// The next event; nil where the run is finished, or its source has no more batches.
  /// - Throws: `BrokenTeacher` and `UnweightedTerm` before anything is trained; `NonFiniteLoss`; `StepNotCaptured`; whatever
  ///   the teacher's signal throws.
  public func next() throws -> TrainingEvent? { try loop.next(of: distiller) }
}

/// Where a run stands between two events.
final class TrainingLoop {
  private let source: any BatchSource
  private let evaluate: ((Network) throws -> Evaluation)?
  private var batches: (any BatchIterator)?
  private var warnings: [String] = []
  private var waiting: TrainingEvent?

  init(_ source: any BatchSource, _ evaluate: ((Network) throws -> Evaluation)?) {
    (self.source, self.evaluate) = (source, evaluate)
  }

  func next(of distiller: Distiller) throws -> TrainingEvent? {
    if batches == nil {
      warnings = try distiller.begin(on: source)
      batches = source.batches(from: distiller.progress.position)
    }
    if !warnings.isEmpty { return .warning(warnings.removeFirst()) }
    if let event = waiting {
      waiting = nil
      return event
    }
    guard !distiller.isFinished else { return nil }
    guard distiller.isStepNext(of: source) else { return .epoch(try distiller.finishEpoch(evaluate)) }
    guard let batch = try batches?.next() else { return nil }
    let (report, warning) = try distiller.step(on: batch, of: source)
    guard let warning else { return .step(report) }
    waiting = .step(report)
    return .warning(warning)
  }
}
