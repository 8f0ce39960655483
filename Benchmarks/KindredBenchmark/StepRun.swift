// One training step taken apart, so that each part's time can be told.

import Foundation
import Kindred
import KindredVision
import Torch

/// A student, its teacher's signal, the loss and the optimiser on made-up images: what a run of `kindred distill` does
/// in each step.
final class StepRun {
  typealias Seconds = [String: Double]
  static let parts = ["data", "teacher", "student", "loss", "backward", "optimiser"]

  private let student: Network
  private let teacher: any TeacherSignal
  private let objective = StepRun.objective
  private let optimizer: SGD
  private let precision: Precision
  private var batches: any BatchIterator

  init(_ teacher: any TeacherSignal, _ student: Architecture, batch: Int, steps: Int, precision: Precision) {
    self.student = student.network(classes: 10, generator: Generator(seed: 1))
    self.student.move(to: .cpu)
    self.precision = precision
    self.teacher = teacher
    optimizer = SGD(self.student.parameters, learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4)
    batches = StepRun.batches(of: batch, steps: steps).batches(from: BatchPosition())
  }

  static var objective: Objective {
    Objective([.crossEntropy(), .init("sp", SimilarityPreserving([LayerPair("stage3")]), weight: 3000)])
  }

  /// A teacher of random weights, folded.
  static func liveTeacher(_ architecture: Architecture, _ precision: Precision = .float32) -> LiveTeacher {
    let network = architecture.network(classes: 10, generator: Generator(seed: 2))
    network.move(to: .cpu)
    return LiveTeacher(network, statistics: StepRun.objective.statistics, precision: precision)
  }

  /// The same in int8. What that costs is not measured here: random weights say nothing of it.
  static func int8Teacher(_ architecture: Architecture, batch: Int) throws -> LiveTeacher {
    let network = architecture.network(classes: 10, generator: Generator(seed: 2))
    network.move(to: .cpu)
    var source = batches(of: batch, steps: 1).batches(from: BatchPosition())
    let sample = try source.prefix(1)
    return try LiveTeacher(
      quantizing: network, statistics: StepRun.objective.statistics, calibration: sample, heldOut: sample,
      comparingLabels: false)
  }

  /// One batch an epoch, every one cropped and flipped anew.
  static func batches(of size: Int, steps: Int, rank: Rank = .only) -> ImageBatches {
    let plan = BatchPlan(
      count: size, batchSize: size, seed: 1, augmentation: Augmentation(cropPadding: 4, flip: true))
    return ImageBatches(StepRun.images(size), plan: plan, epochs: steps, rank: rank)
  }

  /// Records what a live teacher gives for the batches of a run, for one without it.
  static func record(_ architecture: Architecture, batch: Int, steps: Int, to folder: URL) throws {
    let statistics = StepRun.objective.statistics
    let header = RecordingHeader(
      teacher: architecture.description(classes: 10, image: (channels: 3, height: 32, width: 32)),
      teacherFacts: [], batches: .init(epochs: steps, perEpoch: 1, size: batch, lastSize: batch, facts: []),
      methods: ["sp"], statistics: statistics, storage: .float32)
    let (teacher, writer) = (liveTeacher(architecture), try RecordingWriter(header, statistics: statistics, to: folder))
    var source = batches(of: batch, steps: steps).batches(from: BatchPosition())
    var index = 0
    while let batch = try source.next() {
      try writer.append(teacher.output(for: batch), batch: index)
      index += 1
    }
    try writer.flush()
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
    guard let batch = try timed("data", { try batches.next() }) else { preconditionFailure("as many batches as steps") }
    let signal = try timed("teacher") { try teacher.output(for: batch) }
    let activations = timed("student") {
      student.activations(of: batch.student, objective.request, in: precision)
    }
    let value = timed("loss") {
      let value = objective(Step(student: activations, teacher: signal, batch: batch))
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
      labels: (0..<count).map { Int32($0 % 10) }, channelMean: [0.5, 0.5, 0.5], channelDeviation: [0.25, 0.25, 0.25])
  }
}
