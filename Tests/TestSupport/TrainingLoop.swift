// The loop over a run's events, as most tests of training need it.

import Kindred

extension Distiller {
  package enum Outcome: Sendable { case finished, stopped }

  /// Pulls the events to the end, or until `shouldStop`, which is asked after every step.
  package func run(
    on source: any BatchSource, evaluate: @escaping (Network) throws -> Evaluation, shouldStop: () -> Bool,
    onEvent: (TrainingEvent) throws -> Void
  ) throws -> Outcome {
    let events = events(on: source, evaluate: evaluate)
    while let event = try events.next() {
      try onEvent(event)
      if case .step = event, shouldStop() { return .stopped }
    }
    return isFinished ? .finished : .stopped
  }
}
