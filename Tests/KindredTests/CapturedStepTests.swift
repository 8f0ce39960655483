// A captured step against the same run step by step, on the CPU: a capture that notes the work and does it again.

import Foundation
import Kindred
import TestSupport
import Testing
import Torch

/// As a CUDA graph behaves: nothing is done before the first replay, and no replay sees anything but the captured memory.
private final class Notes: WorkCapture {
  private var body: (() throws -> Void)?
  private(set) var replays = 0
  private(set) var isOrdering = false

  func inOrder<Result>(_ body: () throws -> Result) throws -> Result {
    isOrdering = true
    defer { isOrdering = false }
    return try body()
  }

  func capture(_ body: @escaping () throws -> Void) {
    #expect(isOrdering)
    #expect(self.body == nil, "captured twice")
    self.body = body
  }

  func replay() {
    #expect(isOrdering)
    replays += 1
    #expect(throws: Never.self) { try body?() }
  }
}

/// A live teacher that has to be asked for each batch, as one that is read from a file.
private struct AskedTeacher: TeacherSignal {
  let live: LiveTeacher
  func output(for batch: Batch) throws -> TeacherOutput { try live.output(for: batch) }
}

private struct Run {
  let distiller: Distiller
  let notes: Notes?

  /// On the CPU, where notes stand in for a capture.
  init(
    seed: UInt64, isCaptured: Bool, usesAdamW: Bool = false, asksTeacher: Bool = false, accumulate: Int = 1,
    hasComforts: Bool = false
  ) {
    let notes = isCaptured ? Notes() : nil
    self.init(
      seed: seed, work: notes, usesAdamW: usesAdamW, asksTeacher: asksTeacher, accumulate: accumulate,
      hasComforts: hasComforts)
  }

  init(
    seed: UInt64, device: Device = .cpu, work: (any WorkCapture)?, usesAdamW: Bool, asksTeacher: Bool = false,
    precision: Kindred.Precision = .float32, accumulate: Int = 1, hasComforts: Bool = false
  ) {
    let objective = Objective([
      .crossEntropy(), .init("sp", SimilarityPreserving([LayerPair("stage2")]), weight: 5),
      .init("kd", KnowledgeDistillation(), weight: 0.5),
    ])
    let student = TinyNetwork(2, seed: seed)
    let network = TinyNetwork(3, seed: 50).warmedUp()
    for network in [student, network] { network.move(to: device) }
    let teacher = LiveTeacher(network, statistics: objective.statistics, precision: precision)
    notes = work as? Notes
    distiller = Distiller(
      student: student, teacher: asksTeacher ? AskedTeacher(live: teacher) : teacher, objective: objective,
      recipe: Recipe(
        epochs: 3, optimizer: .sgd(learningRate: 0.05), schedule: .init(.step(milestones: [1, 2], factor: 0.3)),
        accumulate: accumulate, clipGradients: hasComforts ? 0.5 : nil, ema: hasComforts ? 0.3 : nil,
        precision: precision),
      optimizer: usesAdamW
        ? AdamW(student.parameters, learningRate: 0.01, isCapturable: true)
        : SGD(student.parameters, learningRate: 0.1, momentum: 0.9, nesterov: true, isCapturable: true),
      work: work)
  }

  /// Returns the epochs' figures without their times.
  func go(steps: Int = .max, on source: TinyBatches = TinyBatches()) throws -> [[String: Double]] {
    var done = 0
    var epochs: [[String: Double]] = []
    _ = try distiller.run(
      on: source,
      evaluate: {
        let batch = TinyBatches.batch(at: .init(epoch: 200)).moved(to: source.device)
        return try $0.evaluation(on: [batch].makeIterator(), classCount: 3)
      },
      shouldStop: {
        done += 1
        return done >= steps
      },
      onEvent: { event in
        guard case .epoch(let report) = event else { return }
        let others = [
          "accuracy": report.accuracy ?? .nan, "training": report.trainingAccuracy ?? .nan,
          "norm": report.gradientNorm ?? 0,
          "average": report.averageEvaluationLoss ?? 0,
        ]
        epochs.append(report.terms.merging(others) { own, _ in own })
      })
    return epochs
  }
}

@Suite struct CapturedStepTests {
  @Test(arguments: [false, true], [false, true])
  func isTheSameRun(usesAdamW: Bool, asksTeacher: Bool) throws {
    let plain = Run(seed: 1, isCaptured: false, usesAdamW: usesAdamW)
    let captured = Run(seed: 1, isCaptured: true, usesAdamW: usesAdamW, asksTeacher: asksTeacher)
    let (expected, epochs) = (try plain.go(), try captured.go())
    #expect(epochs == expected)
    #expect(expected.count == 3)
    #expect(captured.distiller.student.bytes == plain.distiller.student.bytes)
    // Of twelve steps three come before the capture.
    #expect(captured.notes?.replays == 9)
  }

  /// Clipping belongs to the captured step where each batch makes one. Steps of several batches, and the weights' average,
  /// follow its replays.
  @Test(arguments: [1, 3])
  func isTheSameRunWithComforts(accumulate: Int) throws {
    let source = TinyBatches(lastBatchSize: 4)
    let plain = Run(seed: 1, isCaptured: false, accumulate: accumulate, hasComforts: true)
    let captured = Run(seed: 1, isCaptured: true, accumulate: accumulate, hasComforts: true)
    let (expected, epochs) = (try plain.go(on: source), try captured.go(on: source))
    #expect(epochs == expected)
    #expect(expected.allSatisfy { $0["norm"] ?? 0 > 0.5 })
    #expect(captured.distiller.student.bytes == plain.distiller.student.bytes)
    let averages = [plain, captured].map { $0.distiller.average?.state.mapValues { $0.bytes() } }
    #expect(averages[0] == averages[1] && averages[0] != nil)
    #expect(captured.notes?.replays == 6)
  }

  @Test func mixedTargetsAreThoseOfEachBatch() throws {
    let source = TinyBatches(mixes: true)
    let (plain, captured) = (Run(seed: 1, isCaptured: false), Run(seed: 1, isCaptured: true))
    #expect(try captured.go(on: source) == plain.go(on: source))
    #expect(captured.distiller.student.bytes == plain.distiller.student.bytes)
    let unmixed = Run(seed: 1, isCaptured: false)
    _ = try unmixed.go()
    #expect(unmixed.distiller.student.bytes != plain.distiller.student.bytes)
  }

  @Test func aSmallerLastBatchIsCarriedOutAsItIs() throws {
    let source = TinyBatches(lastBatchSize: 4)
    let (plain, captured) = (Run(seed: 1, isCaptured: false), Run(seed: 1, isCaptured: true))
    #expect(try captured.go(on: source) == plain.go(on: source))
    #expect(captured.distiller.student.bytes == plain.distiller.student.bytes)
    #expect(captured.notes?.replays == 6)
  }

  @Test(arguments: [1, 6])
  func aResumedRunIsTheSameRun(steps: Int) throws {
    let whole = Run(seed: 1, isCaptured: true)
    let expected = try whole.go()
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("checkpoint.safetensors")
      let stopped = Run(seed: 1, isCaptured: true)
      let first = try stopped.go(steps: steps)
      try Checkpoint.save(stopped.distiller, to: file)
      let resumed = Run(seed: 9, isCaptured: true)
      try Checkpoint.load(file, into: resumed.distiller)
      #expect(try first + resumed.go() == expected)
      #expect(resumed.distiller.student.bytes == whole.distiller.student.bytes)
      // Stopping is no end for the captured step either.
      #expect(try first + stopped.go() == expected)
      #expect(stopped.distiller.student.bytes == whole.distiller.student.bytes)
    }
  }

  /// Nothing in a captured step can be looked at, so that it is noticed when figures are read.
  @Test func aLossThatIsNotFiniteIsNoticedBeforeACheckpoint() throws {
    let broken = BatchPosition(epoch: 1, batch: 1)
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("checkpoint.safetensors")
      let run = Run(seed: 1, isCaptured: true)
      _ = try run.go(steps: 4)
      try Checkpoint.save(run.distiller, to: file)
      let good = try Data(contentsOf: file)
      let error = #expect(throws: NonFiniteLoss.self) { try run.go(on: TinyBatches(broken: broken)) }
      #expect(error?.position == broken)
      #expect(error?.term == "cross_entropy")
      #expect(throws: NonFiniteLoss.self) { try Checkpoint.save(run.distiller, to: file) }
      #expect(try Data(contentsOf: file) == good)
    }
  }

  /// The real thing: a graph's replays against the same kernels launched one by one.
  @Test(.enabled(if: Runtime.cudaDeviceCount > 0), arguments: [false, true], [1, 3])
  func aGraphIsTheSameRunWithComforts(usesAdamW: Bool, accumulate: Int) throws {
    Runtime.makeConvolutionsDeterministic()
    let device = Device.cuda(0)
    let source = TinyBatches(lastBatchSize: 4, device: device)
    func run(_ work: CUDAGraph?) -> Run {
      Run(seed: 1, device: device, work: work, usesAdamW: usesAdamW, accumulate: accumulate, hasComforts: true)
    }
    let (plain, captured) = (run(nil), run(try CUDAGraph()))
    #expect(try captured.go(on: source) == plain.go(on: source))
    #expect(captured.distiller.student.bytes == plain.distiller.student.bytes)
  }

  @Test(.enabled(if: Runtime.cudaDeviceCount > 0), arguments: [false, true], Kindred.Precision.allCases)
  func aGraphIsTheSameRun(usesAdamW: Bool, precision: Kindred.Precision) throws {
    Runtime.makeConvolutionsDeterministic()
    let device = Device.cuda(0)
    let source = TinyBatches(lastBatchSize: 4, device: device)
    let plain = Run(seed: 1, device: device, work: nil, usesAdamW: usesAdamW, precision: precision)
    let captured = Run(seed: 1, device: device, work: try CUDAGraph(), usesAdamW: usesAdamW, precision: precision)
    #expect(try captured.go(on: source) == plain.go(on: source))
    #expect(captured.distiller.student.bytes == plain.distiller.student.bytes)
  }
}
