// An epoch's sums against the same sums in Swift, read seldom or often, and the first loss that is not finite.

import Testing
import Torch

@testable import Kindred

@Suite struct StepMetricsTests {
  /// A step's two losses, its total, and its logits and labels of two classes.
  private struct Step {
    var crossEntropy: Double
    var sp: Double
    var total: Double
    var answers: [Int64]
    var labels: [Int64]

    func add(to metrics: StepMetrics) throws {
      let terms = [("cross_entropy", crossEntropy), ("sp", sp)].map { ($0.0, Tensor($0.1)) }
      let rows = answers.flatMap { [Float(1 - $0), Float($0)] }
      let logits = Tensor(rows, shape: [answers.count, 2])
      let batch = Batch(logits, labels: Tensor(labels, shape: [labels.count]), position: BatchPosition())
      let value = Objective.Value(total: Tensor(total), terms: terms)
      try metrics.finish(metrics.begin(value, logits: logits, batch, in: ProcessGroup()), batch)
    }
  }

  private let objective = Objective([
    .crossEntropy(), .init("sp", SimilarityPreserving([LayerPair("stage3")]), weight: 2),
  ])
  private let steps = [
    Step(crossEntropy: 2.25, sp: 0.1, total: 2.45, answers: [0, 1, 1], labels: [0, 1, 0]),
    Step(crossEntropy: 1.5, sp: 0.2, total: 1.9, answers: [1, 1, 1], labels: [0, 0, 0]),
    Step(crossEntropy: 0.1, sp: 0.3, total: 0.7, answers: [1], labels: [1]),
  ]

  private func metrics(from progress: TrainingProgress = TrainingProgress()) -> StepMetrics {
    let metrics = StepMetrics(objective, device: .cpu)
    metrics.start(from: progress)
    return metrics
  }

  @Test func sumsAreThoseOfTheSteps() throws {
    let metrics = metrics()
    for step in steps { try step.add(to: metrics) }
    let reading = metrics.read()
    // The losses are float32's, their sums double precision's.
    let sum = { (value: (Step) -> Double) in
      steps.reduce(0) { $0 + Double(Float(value($1))) * Double($1.labels.count) }
    }
    #expect(reading.sums == ["cross_entropy": sum(\.crossEntropy), "sp": sum(\.sp), "loss": sum(\.total)])
    #expect(reading.correct == 3)
    #expect(reading.loss == Double(Float(0.7)))
    #expect(reading.bad == nil)
  }

  @Test func readingInTheMidstOrGoingOnFromItChangesNothing() throws {
    let whole = metrics()
    for step in steps { try step.add(to: whole) }
    let first = metrics()
    try steps[0].add(to: first)
    let reading = first.read()
    var progress = TrainingProgress()
    (progress.sums, progress.correct, progress.position.batch) = (reading.sums, reading.correct, 1)
    let second = metrics(from: progress)
    for step in steps[1...] {
      try step.add(to: first)
      try step.add(to: second)
      _ = first.read()
    }
    for metrics in [first, second] {
      #expect(metrics.read().sums == whole.read().sums)
      #expect(metrics.read().correct == whole.read().correct)
    }
  }

  /// Noticed only after steps that follow it, as on a CUDA device.
  @Test(arguments: [Double.infinity, -.infinity, .nan])
  func theFirstBadValueIsKept(value: Double) throws {
    var progress = TrainingProgress()
    progress.position.batch = 10
    let metrics = metrics(from: progress)
    var bad = steps[1]
    bad.sp = value
    bad.total = value
    var worse = steps[2]
    (worse.crossEntropy, worse.sp) = (.nan, .infinity)
    for step in [steps[0], bad, worse, steps[2]] { try step.add(to: metrics) }
    let found = try #require(metrics.read().bad)
    #expect(found.step == 11)
    #expect(found.term == "sp")
    #expect(found.value == value || (found.value.isNaN && value.isNaN))
  }
}
