// The weighted sum, the weight found by calibration, and the teacher's signal.

import GoldenFiles
import Kindred
import Testing
import Torch

@Suite struct ObjectiveTests {
  private let tap = LayerPair("stage2")

  @Test func sumsWeightedTermsAndNamesThem() throws {
    let objective = Objective(
      crossEntropyWeight: 0.25,
      terms: [.init(KnowledgeDistillation(), weight: 0.9), .init(SimilarityPreserving([tap]), weight: 3000)])
    #expect(objective.teacherNeeds == [.logits, .similarity("stage2")])
    #expect(objective.studentRequest == ActivationRequest(logits: true, taps: ["stage2"]))
    #expect(objective.adapters.isEmpty)
    let batch = TinyBatches.batch(at: BatchPosition())
    let student = TinyNetwork(2, seed: 1)
    let activations = student.activations(of: batch.images, objective.studentRequest)
    let signal = LiveTeacher(TinyNetwork(3, seed: 2), needs: objective.teacherNeeds).output(for: batch)
    let value = objective(activations, signal, labels: batch.labels)
    #expect(value.terms.map(\.name) == ["cross_entropy", "kd", "sp"])
    let parts = value.terms.map(\.value.item)
    #expect(abs(parts[0] - activations.requiredLogits().crossEntropy(labels: batch.labels).item) < 1e-12)
    #expect(parts.allSatisfy { $0 > 0 })
    let sum = 0.25 * parts[0] + 0.9 * parts[1] + 3000 * parts[2]
    #expect(abs(value.total.item - sum) < 1e-5 * sum)
    value.total.backward()
    #expect(student.parameters.allSatisfy { $0.gradient != nil })
  }

  @Test func adaptersAreTrainedBesideTheStudent() {
    let adapter = HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: 1))
    let objective = Objective(terms: [.init(Hint(tap, adapter: adapter), weight: 100)])
    #expect(objective.adapters.map(\.name) == ["hint"])
    let student = TinyNetwork(2, seed: 1)
    let parameters = Distiller.parameters(student: student, objective: objective)
    #expect(parameters.count == student.parameters.count + 4)
  }

  /// Two terms of one method have sums and checkpoint entries of their own.
  @Test func termsOfOneMethodAreToldApart() throws {
    let adapters = [1, 2].map { HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: $0)) }
    let terms = zip(["first", "second"], adapters).map {
      Objective.Term(Hint(tap, adapter: $1), weight: $0 == "first" ? 1 : 2, id: $0)
    }
    let objective = Objective(terms: terms)
    #expect(objective.adapters.map(\.name) == ["first", "second"])
    let student = TinyNetwork(2, seed: 1)
    let teacher = LiveTeacher(TinyNetwork(3, seed: 2).warmedUp(), needs: objective.teacherNeeds)
    let distiller = Distiller(
      student: student, teacher: teacher, objective: objective,
      optimizer: SGD(Distiller.parameters(student: student, objective: objective), learningRate: 0.01),
      settings: .init(epochs: 1, learningRate: 0.01, schedule: .init(.constant)))
    var means: [String: Double] = [:]
    _ = try distiller.run(
      on: TinyBatches(), evaluate: TinyBatches.evaluate, shouldStop: { false },
      onEvent: { if case .epoch(let report) = $0 { means = report.terms } })
    let (cross, first, second) = (means["cross_entropy"] ?? 0, means["first"] ?? 0, means["second"] ?? 0)
    #expect(first > 0 && second > 0 && first != second)
    #expect(abs((means["loss"] ?? 0) - (cross + first + 2 * second)) < 1e-5)
    try withTemporaryFolder { folder in
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
        _ = Objective(terms: ["a", "a"].map { .init(KnowledgeDistillation(), weight: 1, id: $0) })
      }
      await #expect(processExitsWith: .failure) {
        _ = Objective(terms: [.init(KnowledgeDistillation(), weight: 1, id: "cross_entropy")])
      }
      await #expect(processExitsWith: .success) {
        _ = Objective(terms: ["a", "b"].map { .init(KnowledgeDistillation(), weight: 1, id: $0) })
      }
    }
  #endif

  /// Without cross-entropy nothing leads to the classifier, which would decay in silence.
  @Test(arguments: [0.0, 1])
  func whatNoLossReachesIsSaid(crossEntropyWeight: Double) throws {
    let student = TinyNetwork(2, seed: 1)
    let objective = Objective(
      crossEntropyWeight: crossEntropyWeight, terms: [.init(SimilarityPreserving([tap]), weight: 10)])
    let distiller = Distiller(
      student: student, teacher: LiveTeacher(TinyNetwork(3, seed: 2).warmedUp(), needs: objective.teacherNeeds),
      objective: objective, optimizer: SGD(student.parameters, learningRate: 0.1),
      settings: .init(epochs: 1, learningRate: 0.1, schedule: .init(.constant)))
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
    let objective = Objective(terms: [.init(SimilarityPreserving([tap]), weight: nil)])
    let distiller = Distiller(
      student: student, teacher: LiveTeacher(TinyNetwork(3, seed: 2), needs: objective.teacherNeeds),
      objective: objective, optimizer: SGD(student.parameters, learningRate: 0.1),
      settings: .init(epochs: 1, learningRate: 0.1, schedule: .init(.constant)))
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
  func signalIsThePlainNetworks(layout: MemoryLayout4D) {
    let needs: Set<TeacherNeed> = [
      .logits, .activation("stage1"), .activation("stage2"), .similarity("stage2"), .attention("stage1", size: 3),
    ]
    let plain = TinyNetwork(4, seed: 3).warmedUp()
    let live = LiveTeacher(TinyNetwork(4, seed: 3).warmedUp(), needs: needs)
    plain.evaluate()
    let request = ActivationRequest(logits: true, taps: ["stage1", "stage2"])
    for index in 0..<2 {
      let made = TinyBatches.batch(at: BatchPosition(batch: index))
      let batch = Batch(images: made.images.contiguous(layout), labels: made.labels, position: made.position)
      let signal = live.output(for: batch)
      let expected = TeacherOutput(plain.activations(of: batch.images, request), needs: needs)
      for need in needs {
        #expect(relativeError(signal[need], expected[need]) < 1e-5, "\(need)")
        #expect(!signal[need].requiresGradient)
      }
    }
  }

  @Test func theTeacherIsFrozenAndItsStatisticsStay() {
    let network = TinyNetwork(4, seed: 3).warmedUp()
    let before = network.bytes
    let live = LiveTeacher(network, needs: [.logits])
    _ = live.output(for: TinyBatches.batch(at: BatchPosition()))
    #expect(network.parameters.isEmpty && !network.isTraining)
    #expect(network.bytes == before)
  }
}

@Suite struct WeightCalibrationTests {
  private func teacher(_ loss: any DistillationLoss) -> LiveTeacher {
    LiveTeacher(TinyNetwork(4, seed: 8).warmedUp(), needs: loss.teacherNeeds)
  }

  private func norm(_ scalar: Tensor, at activation: Tensor) throws -> Double {
    try #require(scalar.gradients(of: [activation], keepingGraph: true)[0]).norm().item
  }

  /// |weight * d(term)/dA| / |d(cross-entropy)/dA| of a batch, worked out afresh.
  private func share(_ weight: Double, _ loss: any DistillationLoss, _ batch: Batch) throws -> Double {
    let student = TinyNetwork(3, seed: 4)
    let activations = student.activations(of: batch.images, loss.studentRequest.union(.logits))
    let compared = loss.studentRequest.taps.first.map(activations.tap) ?? activations.requiredLogits()
    let term = loss(activations, teacher(loss).output(for: batch)) * weight
    let labels = activations.requiredLogits().crossEntropy(labels: batch.labels)
    return try norm(term, at: compared) / norm(labels, at: compared)
  }

  @Test(arguments: [0.1, 2])
  func termPullsWithTheWantedShare(fraction: Double) throws {
    let losses: [any DistillationLoss] = [SimilarityPreserving([LayerPair("stage2")]), KnowledgeDistillation()]
    let batch = TinyBatches.batch(at: BatchPosition())
    for loss in losses {
      let weight = try WeightCalibration(fraction: fraction).weight(
        of: loss, student: TinyNetwork(3, seed: 4), teacher: teacher(loss), batches: [batch])
      #expect(abs(try share(weight, loss, batch) / fraction - 1) < 1e-5, "\(loss.name)")
    }
  }

  @Test func ofSeveralBatchesTheMedianCounts() throws {
    let loss = SimilarityPreserving([LayerPair("stage2")])
    let batches = (0..<3).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    let weight = try WeightCalibration(fraction: 0.5).weight(
      of: loss, student: TinyNetwork(3, seed: 4), teacher: teacher(loss), batches: batches)
    let shares = try batches.map { try share(weight, loss, $0) }.sorted()
    #expect(abs(shares[1] / 0.5 - 1) < 1e-5)
    #expect(shares[0] < 0.4999 && shares[2] > 0.5001)
  }

  @Test(arguments: [true, false])
  func studentAndAdapterStayAsTheyWere(isTraining: Bool) throws {
    let student = TinyNetwork(3, seed: 4)
    student.train(isTraining)
    let adapter = HintAdapter(student: (6, 3), teacher: (8, 3), generator: Generator(seed: 1))
    let loss = Hint(adapter: adapter)
    let before = (student.bytes, adapter.bytes)
    let weight = try WeightCalibration(fraction: 0.1).weight(
      of: loss, student: student, teacher: teacher(loss), batches: [TinyBatches.batch(at: BatchPosition())])
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
      SimilarityPreserving([tap]), AttentionTransfer([.init(tap, studentSize: 3, teacherSize: 3)]),
      Hint(tap, adapter: HintAdapter(student: (6, 3), teacher: (8, 3), generator: Generator(seed: 1))),
      KnowledgeDistillation(),
    ]
    let batches = (0..<3).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    for loss in losses {
      let weights = try [Kindred.Precision.float32, .bfloat16].map {
        try WeightCalibration(fraction: 0.5, precision: $0).weight(
          of: loss, student: TinyNetwork(3, seed: 4), teacher: teacher(loss), batches: batches)
      }
      #expect(weights[0] > 0)
      #expect(abs(weights[1] / weights[0] - 1) < 0.1, "\(loss.name): \(weights)")
    }
  }

  private func refusal(
    _ loss: any DistillationLoss, student: Network, teacher: any TeacherSignal, batches: Int = 1
  ) -> String? {
    let batches = (0..<batches).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    do {
      _ = try WeightCalibration(fraction: 0.5).weight(of: loss, student: student, teacher: teacher, batches: batches)
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
      AttentionTransfer([.init(LayerPair("stage2"), studentSize: 3, teacherSize: 3)]),
    ]
    for loss in losses {
      let text = refusal(loss, student: student, teacher: teacher(loss))
      #expect(
        text?.contains("'\(loss.name)' cannot be calibrated: the student's 'stage2' is zero") == true, "\(text ?? "")")
    }
  }

  /// What is left of the difference between two networks that agree is rounding, of which a weight of 1e8 would come.
  @Test func agreementIsNoGradient() {
    // The teacher's signal is the student's own, rounded: off by some parts in ten million.
    struct Echo: TeacherSignal {
      let student: Network
      let scale: Double

      func output(for batch: Batch) throws -> TeacherOutput {
        let tap = withoutGradients { student.activations(of: batch.images, .init(taps: ["stage2"])).tap("stage2") }
        return TeacherOutput(Activations(taps: ["stage2": tap * scale]), needs: [.similarity("stage2")])
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
      override func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
        var result = body.activations(of: input, request)
        result.taps = result.taps.mapValues { $0 * 1 }
        return result
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
      let name = "constant"
      let teacherNeeds: Set<TeacherNeed> = []
      let studentRequest = ActivationRequest(taps: ["stage2"])
      func callAsFunction(_ student: Activations, _ teacher: TeacherOutput) -> Tensor {
        student.tap("stage2").sum() * 0
      }
    }
    let error = #expect(throws: CalibrationError.self) {
      try WeightCalibration(fraction: 0.1).weight(
        of: Constant(), student: TinyNetwork(3, seed: 4), teacher: teacher(Constant()),
        batches: [TinyBatches.batch(at: BatchPosition())])
    }
    #expect(error?.description.contains("'constant'") == true)
  }
}
