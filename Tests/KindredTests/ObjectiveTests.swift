// The weighted sum, the weight found by calibration, and the teacher's signal.

import GoldenFiles
import Graph
import Kindred
import TestSupport
import Testing
import Torch

@Suite struct ObjectiveTests {
  private let tap = LayerPair("stage2")

  @Test func sumsWeightedTermsAndNamesThem() throws {
    let objective = Objective([
      .crossEntropy(weight: 0.25), .init("kd", KnowledgeDistillation(), weight: 0.9),
      .init("sp", SimilarityPreserving([tap]), weight: 3000),
    ])
    #expect(objective.statistics == [.logits, .similarity("stage2")])
    #expect(objective.request == ActivationRequest(logits: true, taps: ["stage2"]))
    #expect(objective.modules.isEmpty)
    let batch = TinyBatches.batch(at: BatchPosition())
    let student = TinyNetwork(2, seed: 1)
    let activations = student.activations(of: batch.student, objective.request)
    let signal = try LiveTeacher(TinyNetwork(3, seed: 2), statistics: objective.statistics).output(for: batch)
    let value = objective(Step(student: activations, teacher: signal, batch: batch))
    #expect(value.terms.map(\.id) == ["cross_entropy", "kd", "sp"])
    let parts = value.terms.map(\.value.item)
    #expect(abs(parts[0] - activations.requiredLogits().crossEntropy(labels: batch.requiredLabels()).item) < 1e-12)
    #expect(parts.allSatisfy { $0 > 0 })
    let sum = 0.25 * parts[0] + 0.9 * parts[1] + 3000 * parts[2]
    #expect(abs(value.total.item - sum) < 1e-5 * sum)
    value.total.backward()
    #expect(student.parameters.allSatisfy { $0.gradient != nil })
  }

  /// What a term learns from several teachers, computed from their activations here.
  @Test func aTermLearnsFromTheMeanOfTeachersOrFromOne() throws {
    let objective = Objective([
      .init("kd", KnowledgeDistillation(), weight: 1), .init("sp", SimilarityPreserving([tap]), weight: 1),
      .init("own", SimilarityPreserving([tap]), weight: 1, teacher: 2),
    ])
    let one = TeacherStatistic.similarity("stage2").of(teacher: 2)
    #expect(objective.statistics == [.logits, .similarity("stage2"), one] && one.name == "teacher2.similarity.stage2")
    #expect(objective.statistics.needed(of: 1) == [.logits, .similarity("stage2")])

    let networks = [TinyNetwork(3, seed: 2), TinyNetwork(2, seed: 3)]
    let signal = SeveralTeachers(
      TeacherNeeds(objective.statistics),
      networks.enumerated().map { LiveTeacher($1, statistics: objective.statistics.needed(of: $0 + 1)) })
    let batch = TinyBatches.batch(at: BatchPosition())
    #expect(try signal.check(on: batch).isEmpty)
    let output = try signal.output(for: batch)
    let answers = networks.map { network in
      withoutGradients { network.activations(of: batch.student, ActivationRequest(logits: true, taps: ["stage2"])) }
    }
    let mean = (answers[0].requiredLogits() + answers[1].requiredLogits()) / 2
    let similarities = answers.map { similarityMatrix($0.tap("stage2")) }
    func distance(_ one: Tensor, _ other: Tensor) -> Double { (one - other).abs().maximum().item }
    #expect(distance(output[.logits], mean) < 1e-5)
    #expect(distance(output[.similarity("stage2")], (similarities[0] + similarities[1]) / 2) < 1e-6)
    #expect(distance(output[one], similarities[1]) < 1e-6)

    let student = TinyNetwork(2, seed: 1).activations(of: batch.student, objective.request)
    let terms = objective(Step(student: student, teacher: output, batch: batch)).terms
    let expected = (similarityMatrix(student.tap("stage2")) - similarities[1]).squared().mean().item
    #expect(abs(terms[2].value.item - expected) < 1e-7)
  }

  @Test func adaptersAreTrainedBesideTheStudent() {
    let adapter = HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: 1))
    let objective = Objective([.init("hint", HintLoss(tap, adapter: adapter), weight: 100)])
    #expect(objective.modules.map(\.id) == ["hint"])
    let student = TinyNetwork(2, seed: 1)
    let parameters = Distiller.parameters(student: student, objective: objective)
    #expect(parameters.count == student.parameters.count + 4)
  }

  /// Two terms of one method have sums and checkpoint entries of their own.
  @Test func termsOfOneMethodAreToldApart() throws {
    let adapters = [1, 2].map { HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: $0)) }
    let terms = zip(["first", "second"], adapters).map {
      Objective.Term($0, HintLoss(tap, adapter: $1), weight: $0 == "first" ? 1 : 2)
    }
    let objective = Objective([.crossEntropy()] + terms)
    #expect(objective.modules.map(\.id) == ["first", "second"])
    let student = TinyNetwork(2, seed: 1)
    let teacher = LiveTeacher(TinyNetwork(3, seed: 2).warmedUp(), statistics: objective.statistics)
    let distiller = Distiller(
      student: student, teacher: teacher, objective: objective,
      recipe: Recipe(epochs: 1, optimizer: .sgd(learningRate: 0.01), schedule: .init(.constant)))
    var means: [String: Double] = [:]
    _ = try distiller.run(
      on: TinyBatches(), evaluate: TinyBatches.evaluate, shouldStop: { false },
      onEvent: { if case .epoch(let report) = $0 { means = report.terms } })
    let (cross, first, second) = (means["cross_entropy"] ?? 0, means["first"] ?? 0, means["second"] ?? 0)
    #expect(first > 0 && second > 0 && first != second)
    #expect(abs((means["loss"] ?? 0) - (cross + first + 2 * second)) < 1e-5)
    try withTestFolder { folder in
      let file = folder.appending(path: "checkpoint.safetensors")
      try Checkpoint.save(distiller, to: file)
      let saved = try Safetensors.read(file).tensors
      for (term, adapter) in zip(["first", "second"], adapters) {
        #expect(saved["adapter.\(term).conv.weight"]?.bytes() == adapter.conv.weight.bytes())
      }
    }
  }

  #if compiler(>=6.2)
    /// Two terms of one id would share their sums and their entries in a checkpoint.
    @Test func anIDThatIsTakenIsRefused() async {
      await #expect(processExitsWith: .failure) {
        _ = Objective(["a", "a"].map { .init($0, KnowledgeDistillation(), weight: 1) })
      }
      await #expect(processExitsWith: .failure) {
        _ = Objective([.crossEntropy(), .init("cross_entropy", KnowledgeDistillation(), weight: 1)])
      }
      await #expect(processExitsWith: .success) {
        _ = Objective(["a", "b"].map { .init($0, KnowledgeDistillation(), weight: 1) })
      }
    }
  #endif

  /// Without cross-entropy nothing leads to the classifier, which would decay in silence.
  @Test(arguments: [0.0, 1])
  func whatNoLossReachesIsSaid(crossEntropyWeight: Double) throws {
    let student = TinyNetwork(2, seed: 1)
    let objective = Objective([
      .crossEntropy(weight: crossEntropyWeight), .init("sp", SimilarityPreserving([tap]), weight: 10),
    ])
    let distiller = Distiller(
      student: student, teacher: LiveTeacher(TinyNetwork(3, seed: 2).warmedUp(), statistics: objective.statistics),
      objective: objective, recipe: Recipe(epochs: 1, schedule: .init(.constant)))
    var warnings: [String] = []
    _ = try distiller.run(
      on: TinyBatches(), evaluate: TinyBatches.evaluate, shouldStop: { false },
      onEvent: { if case .warning(let warning) = $0 { warnings.append(warning) } })
    #expect(
      warnings
        == (crossEntropyWeight == 0 ? ["no loss reaches fc.weight, fc.bias: what is not trained only decays"] : []))
  }

  @Test func aTermWithoutAWeightNeverTrains() throws {
    let student = TinyNetwork(2, seed: 1)
    let objective = Objective([.crossEntropy(), .init("sp", SimilarityPreserving([tap]), weight: nil)])
    let distiller = Distiller(
      student: student, teacher: LiveTeacher(TinyNetwork(3, seed: 2), statistics: objective.statistics),
      objective: objective, recipe: Recipe(epochs: 1, schedule: .init(.constant)))
    let before = student.bytes
    let error = #expect(throws: UnweightedTerm.self) {
      _ = try distiller.run(
        on: TinyBatches(), evaluate: TinyBatches.evaluate, shouldStop: { false }, onEvent: { _ in })
    }
    #expect(error?.id == "sp")
    #expect(student.bytes == before)
  }
}

@Suite struct LiveTeacherTests {
  /// Folded and frozen, it says what the plain network says in evaluation mode; float32 rounding apart.
  @Test(arguments: [MemoryLayout4D.contiguous, .channelsLast])
  func signalIsThePlainNetworks(layout: MemoryLayout4D) throws {
    let statistics: Set<TeacherStatistic> = [
      .logits, .activation("stage1"), .activation("stage2"), .similarity("stage2"), .attention("stage1", size: 3),
    ]
    let plain = TinyNetwork(4, seed: 3).warmedUp()
    let live = LiveTeacher(TinyNetwork(4, seed: 3).warmedUp(), statistics: statistics)
    plain.evaluate()
    let request = ActivationRequest(logits: true, taps: ["stage1", "stage2"])
    for index in 0..<2 {
      let made = TinyBatches.batch(at: BatchPosition(batch: index))
      let batch = Batch(made.student.contiguous(layout), labels: made.labels, position: made.position)
      let signal = try live.output(for: batch)
      let expected = TeacherOutput(plain.activations(of: batch.student, request), statistics)
      for statistic in statistics {
        #expect(relativeError(signal[statistic], expected[statistic]) < 1e-5, "\(statistic)")
        #expect(!signal[statistic].requiresGradient)
      }
    }
  }

  @Test func theTeacherIsFrozenAndItsStatisticsStay() throws {
    let network = TinyNetwork(4, seed: 3).warmedUp()
    let before = network.bytes
    let live = LiveTeacher(network, statistics: [.logits])
    _ = try live.output(for: TinyBatches.batch(at: BatchPosition()))
    #expect(network.parameters.isEmpty && !network.isTraining)
    #expect(network.bytes == before)
  }
}

@Suite struct WeightCalibrationTests {
  private func teacher(_ loss: any DistillationLoss) -> LiveTeacher {
    LiveTeacher(TinyNetwork(4, seed: 8).warmedUp(), statistics: loss.statistics)
  }

  private func norm(_ scalar: Tensor, at activation: Tensor) throws -> Double {
    try #require(scalar.gradients(of: [activation], keepingGraph: true)[0]).norm().item
  }

  /// |weight * d(term)/dA| / |d(cross-entropy)/dA| of a batch, worked out afresh.
  private func share(_ weight: Double, _ loss: any DistillationLoss, _ batch: Batch) throws -> Double {
    let student = TinyNetwork(3, seed: 4)
    let activations = student.activations(of: batch.student, loss.request.union(.logits))
    let compared = loss.request.taps.first.map(activations.tap) ?? activations.requiredLogits()
    let term = loss(activations, try teacher(loss).output(for: batch), labels: batch.labels) * weight
    let labels = activations.requiredLogits().crossEntropy(labels: batch.requiredLabels())
    return try norm(term, at: compared) / norm(labels, at: compared)
  }

  @Test(arguments: [0.1, 2])
  func termPullsWithTheWantedShare(fraction: Double) throws {
    let losses: [any DistillationLoss] = [SimilarityPreserving([LayerPair("stage2")]), KnowledgeDistillation()]
    let batch = TinyBatches.batch(at: BatchPosition())
    for loss in losses {
      let weight = try WeightCalibration(fraction: fraction).weight(
        of: Objective.Term("term", loss, weight: nil), student: TinyNetwork(3, seed: 4), teacher: teacher(loss),
        batches: [batch])
      #expect(abs(try share(weight, loss, batch) / fraction - 1) < 1e-5, "\(loss)")
    }
  }

  /// KD takes 0.9 of cross-entropy's weight: what SP joins is both together, and neither cross-entropy's rest nor all of it.
  @Test func theReferenceIsWhatLearnsFromLogits() throws {
    let (sp, kd) = (SimilarityPreserving([LayerPair("stage2")]), KnowledgeDistillation())
    let terms: [Objective.Term] = [
      .crossEntropy(weight: 0.1), .init("sp", sp, weight: nil), .init("kd", kd, weight: 0.9),
    ]
    let objective = Objective(terms)
    #expect(objective.lossesOfLogits(without: "sp").map(\.id) == ["cross_entropy", "kd"])
    #expect(objective.lossesOfLogits(without: "kd").map(\.id) == ["cross_entropy"])
    #expect(Objective([.crossEntropy(weight: 0)]).lossesOfLogits().map(\.weight) == [1])

    let batch = TinyBatches.batch(at: BatchPosition())
    let student = TinyNetwork(3, seed: 4)
    let teacher = LiveTeacher(TinyNetwork(4, seed: 3), statistics: objective.statistics)
    let weight = try WeightCalibration(fraction: 0.5, against: objective.lossesOfLogits(without: "sp")).weight(
      of: terms[1], student: student, teacher: teacher, batches: [batch])

    let activations = TinyNetwork(3, seed: 4).activations(of: batch.student, sp.request.union(.logits))
    let (tap, signal) = (activations.tap("stage2"), try teacher.output(for: batch))
    let labels = activations.requiredLogits().crossEntropy(labels: batch.requiredLabels())
    let joined = labels * 0.1 + kd(activations, signal, labels: batch.labels) * 0.9
    let pulled = sp(activations, signal, labels: batch.labels) * weight
    #expect(abs(try norm(pulled, at: tap) / norm(joined, at: tap) / 0.5 - 1) < 1e-5)
  }

  @Test func ofSeveralBatchesTheMedianCounts() throws {
    let loss = SimilarityPreserving([LayerPair("stage2")])
    let batches = (0..<3).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    let weight = try WeightCalibration(fraction: 0.5).weight(
      of: Objective.Term("term", loss, weight: nil), student: TinyNetwork(3, seed: 4), teacher: teacher(loss),
      batches: batches)
    let shares = try batches.map { try share(weight, loss, $0) }.sorted()
    #expect(abs(shares[1] / 0.5 - 1) < 1e-5)
    #expect(shares[0] < 0.4999 && shares[2] > 0.5001)
  }

  @Test(arguments: [true, false])
  func studentAndAdapterStayAsTheyWere(isTraining: Bool) throws {
    let student = TinyNetwork(3, seed: 4)
    student.train(isTraining)
    let adapter = HintAdapter(student: (6, 3), teacher: (8, 3), generator: Generator(seed: 1))
    let loss = HintLoss(adapter: adapter)
    let before = (student.bytes, adapter.bytes)
    let weight = try WeightCalibration(fraction: 0.1).weight(
      of: Objective.Term("term", loss, weight: nil), student: student, teacher: teacher(loss),
      batches: [TinyBatches.batch(at: BatchPosition())])
    #expect(weight > 0)
    #expect(student.bytes == before.0)
    #expect(adapter.bytes == before.1)
    #expect(student.isTraining == isTraining)
    #expect(student.parameters.allSatisfy { $0.gradient == nil })
  }

  /// The pull is that of the activations which the network goes on with, not of copies in float32.
  @Test func bfloat16FindsTheWeightsOfFloat32() throws {
    let tap = LayerPair("stage2")
    let losses: [any DistillationLoss] = [
      SimilarityPreserving([tap]), AttentionTransferLoss([.init(tap, studentSize: 3, teacherSize: 3)]),
      HintLoss(tap, adapter: HintAdapter(student: (6, 3), teacher: (8, 3), generator: Generator(seed: 1))),
      KnowledgeDistillation(),
    ]
    let batches = (0..<3).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    for loss in losses {
      let weights = try [Kindred.Precision.float32, .bfloat16].map {
        try WeightCalibration(fraction: 0.5, precision: $0).weight(
          of: Objective.Term("term", loss, weight: nil), student: TinyNetwork(3, seed: 4), teacher: teacher(loss),
          batches: batches)
      }
      #expect(weights[0] > 0)
      #expect(abs(weights[1] / weights[0] - 1) < 0.1, "\(loss): \(weights)")
    }
  }

  private func refusal(
    _ loss: any DistillationLoss, student: Network, teacher: any TeacherSignal, batches: Int = 1
  ) -> String? {
    let batches = (0..<batches).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    do {
      _ = try WeightCalibration(fraction: 0.5).weight(
        of: Objective.Term("term", loss, weight: nil), student: student, teacher: teacher, batches: batches)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func aDeadLayerIsRefusedByName() {
    let student = TinyNetwork(3, seed: 4)
    withoutGradients { student.bn2.bias.fillInPlace(-100) }
    let losses: [any DistillationLoss] = [
      SimilarityPreserving([LayerPair("stage2")]),
      AttentionTransferLoss([.init(LayerPair("stage2"), studentSize: 3, teacherSize: 3)]),
    ]
    for loss in losses {
      let text = refusal(loss, student: student, teacher: teacher(loss))
      #expect(
        text?.contains("'term' cannot be calibrated: the student's 'stage2' is zero") == true, "\(text ?? "")")
    }
  }

  /// What is left of the difference between two networks that agree is rounding, of which a weight of 1e8 would come.
  @Test func agreementIsNoGradient() {
    // The teacher's signal is the student's own, rounded: off by some parts in ten million.
    struct Echo: TeacherSignal {
      let student: Network
      let scale: Double

      func output(for batch: Batch) throws -> TeacherOutput {
        let tap = withoutGradients { student.activations(of: batch.student, .init(taps: ["stage2"])).tap("stage2") }
        return TeacherOutput(Activations(taps: ["stage2": tap * scale]), [.similarity("stage2")])
      }
    }
    let student = TinyNetwork(3, seed: 4)
    let loss = SimilarityPreserving([LayerPair("stage2")])
    for scale in [1, 1.1, 3] {
      let text = refusal(loss, student: student, teacher: Echo(student: student, scale: scale), batches: 2)
      let isSeen = text?.contains("rounding") == true || text?.contains("'stage2' is zero") == true
      #expect(isSeen, "\(text ?? "accepted")")
    }
    #expect(refusal(loss, student: student, teacher: teacher(loss)) == nil)
  }

  @Test func aGradientThatDoesNotReachIsNotZero() {
    /// Gives a tap beside the path to its logits.
    final class Branched: Network {
      let body = TinyNetwork(3, seed: 4)
      override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
        let logits = body.forward(input, taps)
        taps["stage2"] = taps["stage2"].map { $0 * 1 }
        return logits
      }
    }
    let loss = SimilarityPreserving([LayerPair("stage2")])
    let text = refusal(loss, student: Branched(), teacher: teacher(loss))
    #expect(text?.contains("cross-entropy's gradient does not reach the student's 'stage2'") == true, "\(text ?? "")")
    #expect(refusal(loss, student: TinyNetwork(3, seed: 4), teacher: teacher(loss), batches: 0) != nil)
  }

  /// A student that already agrees with the teacher feels no pull.
  @Test func aTermWithoutGradientIsRefused() throws {
    struct Constant: DistillationLoss {
      let request = ActivationRequest(taps: ["stage2"])
      func callAsFunction(_ step: Step) -> Tensor { step.student.tap("stage2").sum() * 0 }
    }
    let error = #expect(throws: CalibrationError.self) {
      try WeightCalibration(fraction: 0.1).weight(
        of: Objective.Term("constant", Constant(), weight: nil), student: TinyNetwork(3, seed: 4),
        teacher: teacher(Constant()),
        batches: [TinyBatches.batch(at: BatchPosition())])
    }
    #expect(error?.description.contains("'constant'") == true)
  }
}
