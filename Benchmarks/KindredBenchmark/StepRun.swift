// One training step taken apart, so that each part's time can be told.

import Kindred
import KindredVision
import Torch

/// A student, a live teacher, the loss and the optimiser on made-up images: what a run of `kindred distill` does per step.
final class StepRun {
  typealias Seconds = [String: Double]
  static let parts = ["data", "teacher", "student", "loss", "backward", "optimiser"]

  private let student: Network
  private let teacher: LiveTeacher
  private let objective = Objective(terms: [.init(SimilarityPreserving(), weight: 3000)])
  private let optimizer: SGD
  private var batches: any IteratorProtocol<Batch>

  init(_ teacher: Architecture, _ student: Architecture, batch: Int, epochs: Int) {
    let generator = Generator(seed: 1)
    self.student = student.network(classes: 10, generator: generator)
    self.teacher = LiveTeacher(teacher.network(classes: 10, generator: generator), needs: objective.teacherNeeds)
    optimizer = SGD(self.student.parameters, learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4)
    let plan = BatchPlan(
      count: batch, batchSize: batch, seed: 1, augmentation: Augmentation(cropPadding: 4, flip: true))
    batches = ImageBatches(StepRun.images(batch), plan: plan, epochs: epochs).batches(from: BatchPosition())
  }

  /// One step, with the seconds that each part took.
  func step() throws -> Seconds {
    var seconds: Seconds = [:]
    let clock = ContinuousClock()
    func timed<Result>(_ part: String, _ body: () throws -> Result) rethrows -> Result {
      let start = clock.now
      defer { seconds[part] = (clock.now - start) / .seconds(1) }
      return try body()
    }
    guard let batch = timed("data", { batches.next() }) else { preconditionFailure("as many batches as steps") }
    let signal = timed("teacher") { teacher.output(for: batch) }
    let activations = timed("student") { student.activations(of: batch.images, objective.studentRequest) }
    let value = timed("loss") {
      let value = objective(activations, signal, labels: batch.labels)
      precondition(value.total.item.isFinite, "the loss is not finite")
      return value
    }
    timed("backward") { value.total.backward() }
    timed("optimiser") { optimizer.step() }
    return seconds
  }

  private static func images(_ count: Int) -> ImageSet {
    var random = SplitMix64(key: 1)
    return ImageSet(
      name: "noise", width: 32, height: 32, channels: 3, classNames: (0..<10).map(String.init),
      pixels: (0..<count * 3072).map { _ in UInt8(truncatingIfNeeded: random.next()) },
      labels: (0..<count).map { UInt16($0 % 10) }, channelMean: [0.5, 0.5, 0.5], channelDeviation: [0.25, 0.25, 0.25])
  }
}
