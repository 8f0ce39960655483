// The loop: resuming bit for bit, stopping at a loss that is not finite, and checkpoints that do not belong.

import Foundation
import Kindred
import TestSupport
import Testing
import Torch

/// What a run is made of, so that the same run can be made again with other initial weights.
private struct Run {
  let distiller: Distiller
  let adapter: HintAdapter

  /// SP, KD and a hint from one teacher; `seed` is the student's and the adapter's.
  /// With comforts, gradients are accumulated and clipped, weights averaged and parameters grouped.
  init(seed: UInt64, usesAdamW: Bool = false, inBFloat16: Bool = false, hasComforts: Bool = false) {
    adapter = HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: seed + 1))
    let objective = Objective([
      .crossEntropy(), .init("sp", SimilarityPreserving([LayerPair("stage2")]), weight: 5),
      .init("kd", KnowledgeDistillation(), weight: 0.5), .init("hint", HintLoss(adapter: adapter), weight: 0.1),
    ])
    let student = TinyNetwork(2, seed: seed)
    distiller = Distiller(
      student: student,
      teacher: LiveTeacher(
        TinyNetwork(3, seed: 50).warmedUp(), statistics: objective.statistics,
        precision: inBFloat16 ? .bfloat16 : .float32),
      objective: objective,
      recipe: Recipe(
        epochs: 3,
        optimizer: usesAdamW
          ? .adamW(AdamW.Options(learningRate: 0.05, weightDecayOn: hasComforts ? .weights : .all))
          : .sgd(learningRate: 0.05, weightDecayOn: hasComforts ? .weights : .all),
        schedule: .init(.step(milestones: [1, 2], factor: 0.3)), accumulate: hasComforts ? 3 : 1,
        clipGradients: hasComforts ? 0.5 : nil, ema: hasComforts ? 0.3 : nil, evaluateEvery: 2,
        precision: inBFloat16 ? .bfloat16 : .float32))
  }

  var bytes: [[String: [UInt8]]] { [distiller.student.bytes, adapter.bytes] }

  /// Goes on to the end, or for so many steps. Returns how it ended and the epochs' reports.
  func go(
    steps: Int = .max, on source: TinyBatches = TinyBatches(), onStep: (StepReport) throws -> Void = { _ in }
  ) throws -> (outcome: Distiller.Outcome, epochs: [EpochReport]) {
    var done = 0
    var epochs: [EpochReport] = []
    let outcome = try distiller.run(
      on: source, evaluate: TinyBatches.evaluate,
      shouldStop: {
        done += 1
        return done >= steps
      },
      onEvent: { event in
        switch event {
        case .warning: break
        case .step(let report): try onStep(report)
        case .epoch(let report): epochs.append(report)
        }
      })
    return (outcome, epochs)
  }
}

@Suite struct DistillerTests {
  /// Stopped after 1 step, in the middle of an epoch, and at an epoch's last step.
  @Test(arguments: [1, 4, 6, 11], [(false, false), (true, false), (false, true), (true, true)])
  func aResumedRunIsTheSameRun(steps: Int, options: (Bool, Bool)) throws {
    let (usesAdamW, hasComforts) = options
    try withTestFolder { folder in
      let whole = Run(seed: 1, usesAdamW: usesAdamW, hasComforts: hasComforts)
      let wholeResult = try whole.go()
      #expect(wholeResult.outcome == .finished)

      let file = folder.appendingPathComponent("checkpoint.safetensors")
      let stopped = Run(seed: 1, usesAdamW: usesAdamW, hasComforts: hasComforts)
      let first = try stopped.go(steps: steps)
      #expect(first.outcome == .stopped)
      try Checkpoint.save(stopped.distiller, to: file)

      // The fresh run has other initial weights, so that whatever is not put back shows.
      let resumed = Run(seed: 9, usesAdamW: usesAdamW, hasComforts: hasComforts)
      try Checkpoint.load(file, into: resumed.distiller)
      #expect(resumed.distiller.progress == stopped.distiller.progress)
      #expect(resumed.bytes == stopped.bytes)
      let second = try resumed.go()
      #expect(second.outcome == .finished)
      #expect(resumed.bytes == whole.bytes)
      #expect((first.epochs + second.epochs).map(\.withoutTime) == wholeResult.epochs.map(\.withoutTime))

      // And the optimisers' states, which only checkpoints show.
      let ends = [folder.appendingPathComponent("whole"), folder.appendingPathComponent("resumed")]
      try Checkpoint.save(whole.distiller, to: ends[0])
      try Checkpoint.save(resumed.distiller, to: ends[1])
      let states = try ends.map { try Safetensors.read($0).tensors.mapValues { $0.bytes() } }
      #expect(states[0] == states[1])
      #expect(states[0].keys.contains { $0.hasPrefix("optimizer.") })
      for part in ["ema.fc.weight", "gradient_sum.0"] { #expect(states[0].keys.contains(part) == hasComforts) }
    }
  }

  @Test func trainingLearns() throws {
    let run = Run(seed: 1)
    let before = TinyBatches.evaluate(run.distiller.student).loss
    let initial = run.bytes
    let result = try run.go()
    #expect(TinyBatches.evaluate(run.distiller.student).loss < before)
    #expect(result.epochs.map(\.epoch) == [1, 2, 3])
    #expect(zip(result.epochs.map(\.learningRate), [0.05, 0.015, 0.0045]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(result.epochs.map { $0.accuracy != nil } == [false, true, true])
    #expect(Set(result.epochs[0].terms.keys) == ["cross_entropy", "sp", "kd", "hint", "loss"])
    #expect(result.epochs.last?.evaluationLoss == TinyBatches.evaluate(run.distiller.student).loss)
    #expect(run.adapter.bytes["conv.weight"] != initial[1]["conv.weight"])
  }

  @Test func trainingLearnsInBFloat16() throws {
    let (wide, narrow) = (Run(seed: 1), Run(seed: 1, inBFloat16: true))
    let before = TinyBatches.evaluate(narrow.distiller.student).loss
    let expected = try wide.go()
    let result = try narrow.go()
    #expect(TinyBatches.evaluate(narrow.distiller.student).loss < before)
    #expect(narrow.bytes != wide.bytes)
    let losses = try [result, expected].map { try #require($0.epochs[0].terms["loss"]) }
    #expect(abs(losses[0] - losses[1]) < 0.05 * losses[1])
    let stopped = Run(seed: 1, inBFloat16: true)
    _ = try stopped.go(steps: 5)
    _ = try stopped.go()
    #expect(stopped.bytes == narrow.bytes)
  }

  @Test func readingTheLossChangesNothing() throws {
    let (silent, shown) = (Run(seed: 1), Run(seed: 1))
    let expected = try silent.go()
    var losses: [Double] = []
    let result = try shown.go { losses.append(try $0.loss()) }
    #expect(result.epochs.map(\.withoutTime) == expected.epochs.map(\.withoutTime))
    #expect(shown.bytes == silent.bytes)
    #expect(losses.count == 12)
    // Batches of one size: the epoch's mean is that of its steps.
    let mean = losses[..<4].reduce(0, +) / 4
    #expect(abs(try #require(result.epochs[0].terms["loss"]) - mean) < 1e-12)
  }

  @Test func aLossThatIsNotFiniteStopsBeforeTheStep() throws {
    let run = Run(seed: 1)
    let broken = BatchPosition(epoch: 1, batch: 2)
    var last: [[UInt8]] = []
    var lastPosition = BatchPosition()
    let error = #expect(throws: NonFiniteLoss.self) {
      _ = try run.go(on: TinyBatches(broken: broken)) { report in
        last = run.distiller.student.parameters.map { $0.bytes() }
        lastPosition = report.position
      }
    }
    #expect(error?.position == broken)
    #expect(error?.term == "cross_entropy")
    #expect(error?.value.isNaN == true)
    #expect(error?.description.contains("epoch 2, step 3: 'cross_entropy' is nan") == true)
    #expect(lastPosition == BatchPosition(epoch: 1, batch: 1))
    #expect(run.distiller.student.parameters.map { $0.bytes() } == last)
    #expect(run.distiller.progress.position == broken)
  }

  @Test func theTermThatIsNotFiniteIsNamed() throws {
    struct Exploding: DistillationLoss {
      let request = ActivationRequest(taps: ["stage1"])
      func callAsFunction(_ step: Step) -> Tensor { step.student.tap("stage1").sum() * .infinity }
    }
    let student = TinyNetwork(2, seed: 1)
    let distiller = Distiller(
      student: student, objective: Objective([.crossEntropy(), .init("exploding", Exploding(), weight: 1)]),
      recipe: Recipe(epochs: 1, schedule: .init(.constant)))
    let error = #expect(throws: NonFiniteLoss.self) {
      try distiller.run(on: TinyBatches(), evaluate: TinyBatches.evaluate, shouldStop: { false }, onEvent: { _ in })
    }
    #expect(error?.term == "exploding")
    #expect(error?.position == BatchPosition())
  }

  @Test func anEarlierStopIsNotTheEnd() throws {
    let run = Run(seed: 1)
    #expect(try run.go(steps: 5).outcome == .stopped)
    #expect(run.distiller.progress.position == BatchPosition(epoch: 1, batch: 1))
    #expect(try run.go(steps: 2).outcome == .stopped)
    #expect(run.distiller.progress.position == BatchPosition(epoch: 1, batch: 3))
    #expect(try run.go().outcome == .finished)
    let whole = Run(seed: 1)
    _ = try whole.go()
    #expect(run.bytes == whole.bytes)
  }
}

@Suite struct CheckpointTests {
  /// A checkpoint of a run after two steps, changed by `change`, is refused and changes nothing.
  private func refusal(_ change: (inout [String: Tensor], inout [String: String]) -> Void) throws -> any Error {
    var problem: (any Error)?
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("checkpoint.safetensors")
      let run = Run(seed: 1)
      _ = try run.go(steps: 2)
      try Checkpoint.save(run.distiller, to: file)
      var (tensors, metadata) = try Safetensors.read(file)
      change(&tensors, &metadata)
      try Safetensors.write(tensors, metadata: metadata, to: file)
      let fresh = Run(seed: 9)
      let (before, progress) = (fresh.bytes, fresh.distiller.progress)
      problem = #expect(throws: (any Error).self) { try Checkpoint.load(file, into: fresh.distiller) }
      #expect(fresh.bytes == before)
      #expect(fresh.distiller.progress == progress)
    }
    return try #require(problem)
  }

  @Test(arguments: ["student.fc.weight", "adapter.hint.bn.bias", "optimizer.momentum.0"])
  func missingEntry(name: String) throws {
    let error = try refusal { tensors, _ in tensors[name] = nil }
    #expect((error as? StateError)?.entry == name)
  }

  @Test(arguments: ["student.fc.more", "optimizer.momentum.99", "stranger"])
  func entryOfAnotherRun(name: String) throws {
    let error = try refusal { tensors, _ in tensors[name] = .zeros([1]) }
    #expect((error as? StateError)?.entry == name)
  }

  @Test(arguments: ["student.fc.weight", "adapter.hint.bn.bias", "optimizer.momentum.3"])
  func entryOfAnotherShape(name: String) throws {
    let error = try refusal { tensors, _ in tensors[name] = .zeros([7, 7]) }
    #expect((error as? StateError).map { name.hasSuffix($0.entry) } == true)
  }

  /// Places that no run comes to: a batch before the first was a trap where the batches begin.
  @Test(arguments: [#""epoch":-1"#, #""epoch":9223372036854775807"#])
  func aRunThatStandsNowhere(place: String) throws {
    let error = try refusal { _, metadata in
      metadata["progress"] = metadata["progress"]?.replacing(#/"epoch":[0-9]+/#, with: place)
    }
    #expect((error as? TensorFileError)?.problem == "holds no progress of a run")
  }

  @Test func weightsAloneAreNoCheckpoint() throws {
    let error = try refusal { _, metadata in metadata = [:] }
    #expect("\(error)".contains("holds no progress of a run"))
    let damaged = try refusal { _, metadata in metadata["progress"] = "{\"position\":" }
    #expect("\(damaged)".contains("holds no progress of a run"))
  }

  @Test func aTruncatedFileIsRefused() throws {
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("checkpoint.safetensors")
      try Checkpoint.save(Run(seed: 1).distiller, to: file)
      let data = try Data(contentsOf: file)
      for count in [0, 5, 100, data.count / 2, data.count - 1] {
        try data.prefix(count).write(to: file)
        let fresh = Run(seed: 9)
        let before = fresh.bytes
        let error = #expect(throws: TensorFileError.self) { try Checkpoint.load(file, into: fresh.distiller) }
        #expect(error?.file == file.path)
        #expect(fresh.bytes == before)
      }
    }
  }
}

@Suite struct EvaluationTests {
  @Test func countsRightAnswers() throws {
    let tally = EvaluationTally(classCount: 7)
    // Each row's logits fall with the distance from class 3, 0 and 6.
    let rows: [Float] = [3, 0, 6].flatMap { best in (0..<7).map { -abs(Float($0) - best) } }
    tally.add(logits: Tensor(rows, shape: [3, 7]), labels: Tensor([3, 4, 0] as [Int64], shape: [3]))
    let evaluation = try tally.evaluation()
    #expect(evaluation.count == 3 && evaluation.correct == 1 && evaluation.correctInTop5 == 2)
    #expect(evaluation.classes.map(\.count) == [1, 0, 0, 1, 1, 0, 0])
    #expect(evaluation.classes.map(\.accuracy) == [0, 0, 0, 1, 0, 0, 0])
    let logits = (0..<3).map { row in rows[(7 * row)..<(7 * row + 7)].map { exp(Double($0)) } }
    let losses = zip(logits, [3, 4, 0]).map { -log($0[$1] / $0.reduce(0, +)) }
    #expect(abs(evaluation.loss - losses.reduce(0, +) / 3) < 1e-6)
  }

  @Test func keepsTheNetworksModeAndStatistics() {
    let network = TinyNetwork(2, seed: 1)
    let before = network.bytes
    _ = TinyBatches.evaluate(network)
    #expect(network.isTraining)
    #expect(network.bytes == before)
  }
}

extension EpochReport {
  /// All that does not depend on the clock.
  fileprivate var withoutTime: [Double?] {
    [Double(epoch), learningRate, trainingAccuracy, accuracy, evaluationLoss, averageAccuracy, gradientNorm]
      + terms.sorted { $0.key < $1.key }.map(\.value)
  }
}
