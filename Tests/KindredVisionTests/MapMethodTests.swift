// The methods that compare maps on real networks: their layers, what they refuse, and what they learn from the teacher.

import Foundation
import GoldenFiles
import Kindred
import KindredVision
import TestSupport
import Testing
import Torch

private let image = (channels: 3, height: 32, width: 32)
private let methods: [any Method] = [
  ActivationBoundaries(), FlowOfSolutionProcedure(), KnowledgeReview(), FeatureDistillationOverhaul(),
  ReusedTeacherClassifier(),
]

private func architecture(_ name: String) throws -> Architecture { try #require(Architecture(name: name)) }

private func network(_ name: String, seed: UInt64) throws -> Network {
  try architecture(name).network(classes: 10, generator: Generator(seed: seed))
}

private func batch(_ count: Int) -> Batch {
  Batch(
    Generator(seed: 5).normal([count, 3, 32, 32]).contiguous(.channelsLast),
    labels: Tensor((0..<count).map { Int64($0 % 10) }, shape: [count]), indices: .arange(count), position: .init())
}

/// What is known of two networks by their names alone.
private func setup(_ student: String, _ teacher: String) throws -> LossSetup {
  LossSetup(
    student: try architecture(student).description(classes: 10, image: image),
    teacher: try architecture(teacher).description(classes: 10, image: image), generator: Generator(seed: 1))
}

/// The same with what a run knows of the live teacher.
private func setup(_ student: String, _ teacher: String, _ network: Network) throws -> LossSetup {
  var setup = try setup(student, teacher)
  setup.samples = .init(count: 4, labels: nil)
  setup.normalizations = network.normalizations(of: [3, 32, 32])
  setup.classifier = network.classifier.map {
    TeacherClassifier(weight: $0.weight.detached(), bias: $0.bias.detached())
  }
  return setup
}

@Suite struct MapMethodTests {
  /// With the default layers, of both families, the gradient reaches all that is compared and all that is trained.
  @Test(
    arguments: methods.map(\.name), [("wrn-10-1", "wrn-16-1"), ("resnet-8", "resnet-14"), ("resnet-8", "wrn-10-1")])
  func gradientsReachEverything(name: String, names: (student: String, teacher: String)) throws {
    let method = try #require(methods.first { $0.name == name })
    let teacher = try network(names.teacher, seed: 2)
    let loss = try method.loss(for: setup(names.student, names.teacher, teacher))
    let student = loss.student(try network(names.student, seed: 3))
    let signal = LiveTeacher(teacher, statistics: loss.statistics)
    let term = Objective.Term(name, loss, weight: nil)
    let weight = try WeightCalibration(fraction: 0.5).weight(
      of: term, student: student, teacher: signal, batches: [batch(4)])
    #expect(weight.isFinite && weight > 0)
    let activations = student.activations(of: batch(4).student, loss.request)
    loss(Step(student: activations, teacher: try signal.output(for: batch(4)), batch: batch(4))).backward()
    for (entry, tensor) in loss.module?.state ?? [] where tensor.requiresGradient {
      #expect(tensor.gradient.map { $0.abs().maximum().item > 0 } == true, "\(entry)")
    }
  }

  /// Shapes alone are enough to check a configuration, and give the same statistics.
  @Test func shapesAreEnough() throws {
    let teacher = try network("wrn-16-1", seed: 2)
    for method in methods {
      let known = try method.loss(for: setup("wrn-10-1", "wrn-16-1", teacher))
      #expect(try method.loss(for: setup("wrn-10-1", "wrn-16-1")).statistics == known.statistics)
    }
  }

  /// Initialisations end, unless they are to last.
  @Test func factorsFollowTheEpochs() throws {
    let setup = try setup("wrn-10-1", "wrn-16-1")
    var boundaries = ActivationBoundaries()
    for method in [boundaries, FlowOfSolutionProcedure()] as [any Method] {
      let loss = try method.loss(for: setup)
      #expect([0, 29, 30, 200].map { loss.factor(epoch: $0) } == [1, 1, 0, 0])
    }
    boundaries.epochs = 0
    #expect(try boundaries.loss(for: setup).factor(epoch: 30) == nil)
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    func problem(_ method: any Method, _ setup: LossSetup) -> String {
      do {
        _ = try method.loss(for: setup)
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      problem(FlowOfSolutionProcedure(), try setup("wrn-16-1", "wrn-16-2"))
        == "layers: compares maps of the same channels, but the student's stage1 has shape [16, 32, 32] and the teacher's "
        + "stage1 [32, 32, 32]; use networks of the same widths, or at")
    var boundaries = ActivationBoundaries()
    boundaries.layers = [LayerPair(student: "stage3.pre", teacher: "stage1.pre")]
    #expect(
      problem(boundaries, try setup("wrn-16-1", "wrn-16-2"))
        == "layers: no connector leads from the student's stage3.pre (8 high) to the teacher's stage1.pre (32 high); pair "
        + "maps of one size, or of twice the teacher's")
    var recorded = try setup("wrn-16-1", "wrn-16-2")
    recorded.samples = .init(count: 4, labels: nil)
    #expect(problem(FeatureDistillationOverhaul(), recorded).hasPrefix("needs the teacher's batch norms"))
    var overhaul = FeatureDistillationOverhaul()
    overhaul.layers = [LayerPair("stage1")]
    #expect(
      problem(overhaul, try setup("wrn-16-1", "wrn-16-2", network("wrn-16-2", seed: 1)))
        == "layers: no ReLU sees the teacher's stage1 after a batch norm; use stage1.pre, stage2.pre, stage3.pre")
  }

  /// The golden margins, from the norms' scales and shifts.
  @Test func marginsAgreeWithPyTorch() throws {
    let golden = try Golden("methods/ofd")
    let norms = golden.tensors.keys.filter { $0.contains("/norm/") && $0.hasSuffix(".weight") }
    #expect(norms.count >= 6)
    for key in norms {
      let weight = try golden[key]
      let norm = TapNormalization(weight: weight, bias: try golden[key.replacing(".weight", with: ".bias")])
      let expected = try golden[key.replacing("/norm/", with: "/module/margins.").replacing(".weight", with: "")]
      #expect(relativeError(FeatureDistillationOverhaul.margins(of: norm), expected) < 1e-6, "\(key)")
    }
  }
}

@Suite struct ReusedClassifierTests {
  private struct Case {
    let loss: any DistillationLoss
    let network: ReusedClassifierNetwork
    let teacher: Network
  }

  /// A ResNet that ends in a Wide ResNet's classifier, of twice its width.
  private func made(seed: UInt64 = 3) throws -> Case {
    let teacher = try network("wrn-10-2", seed: 2)
    let loss = try ReusedTeacherClassifier().loss(for: setup("resnet-8", "wrn-10-2", teacher))
    let student = loss.student(try network("resnet-8", seed: seed))
    return Case(loss: loss, network: try #require(student as? ReusedClassifierNetwork), teacher: teacher)
  }

  @Test func logitsAreTheTeachersClassifiersOnTheProjectedMap() throws {
    let made = try made()
    let request = ActivationRequest(logits: true, taps: ["stage1", "pooled", "projected"])
    let student = try network("resnet-8", seed: 3).activations(
      of: batch(4).student, ActivationRequest(taps: ["stage1", "pooled"]))
    let found = made.network.activations(of: batch(4).student, request)
    #expect(found.taps.keys.sorted() == ["pooled", "projected", "stage1"])
    #expect(found.tap("stage1").bytes() == student.tap("stage1").bytes())
    #expect(found.tap("pooled").bytes() == student.tap("pooled").bytes())
    let mean = found.tap("projected").mean([2, 3])
    let classifier = try #require(made.teacher.classifier)
    #expect(relativeError(found.requiredLogits(), mean.linear(classifier.weight, bias: classifier.bias)) < 1e-5)
    #expect(made.network.activations(of: batch(4).student, ActivationRequest(taps: ["stem"])).logits == nil)
  }

  /// Neither classifier is trained; what an inspector is told is what there is.
  @Test func costsAreThoseOfItsParts() throws {
    let made = try made()
    let plain = try network("resnet-8", seed: 3)
    let names = Set(made.network.state.map { String($0.name.prefix { $0 != "." }) })
    #expect(names == ["student", "projector", "classifier"])
    let trained = made.network.state.filter { $0.tensor.requiresGradient }.map(\.name)
    #expect(!trained.contains { $0.hasPrefix("classifier.") || $0.hasPrefix("student.fc.") })
    let (own, teachers) = (64 * 10 + 10, 128 * 10 + 10)
    #expect(made.network.parameterCount == plain.parameterCount - own + made.network.projector.parameterCount)
    let added = try #require(try ReusedTeacherClassifier().addedCost(for: setup("resnet-8", "wrn-10-2")))
    #expect(added.parameters == made.network.projector.parameterCount + teachers - own)
    #expect(added.multiplyAdds == 64 * (64 * 64 + 9 * 64 * 64 + 64 * 128) + (128 - 64) * 10)
  }

  @Test func foldedNetworkIsThePlainOne() throws {
    let (plain, folded) = (try made().network, try made().network)
    for network in [plain, folded] {
      _ = withoutGradients { network.activations(of: batch(4).student, .logits) }
      network.evaluate()
    }
    let names = try plain.graph(of: [3, 32, 32]).taps.map(\.name)
    #expect(names.contains("projected"))
    let everything = ActivationRequest(logits: true, taps: Set(names))
    let frozen = FrozenNetwork(folded)
    withoutGradients {
      let expected = plain.activations(of: batch(4).student, everything)
      let actual = frozen.activations(of: batch(4).student, everything)
      #expect(relativeError(actual.requiredLogits(), expected.requiredLogits()) < 1e-4)
      for tap in names { #expect(relativeError(actual.tap(tap), expected.tap(tap)) < 1e-4, "\(tap)") }
    }
  }

  /// Saved weights come back by the parts alone.
  @Test func weightsComeBack() throws {
    let saved = try made().network
    let classifier = TeacherClassifier(weight: .zeros([10, 128]), bias: .zeros([10]))
    let other = ReusedClassifierNetwork(
      student: try network("resnet-8", seed: 8), projector: StudentProjector(64, 128, generator: Generator(seed: 9)),
      classifier: classifier)
    try other.load(Dictionary(uniqueKeysWithValues: saved.state))
    let (one, two) = (saved, other)
    #expect(
      one.activations(of: batch(4).student, .logits).requiredLogits().bytes()
        == two.activations(of: batch(4).student, .logits).requiredLogits().bytes())
  }

  /// Four images over and over.
  private struct Source: BatchSource {
    let batchesPerEpoch = 2
    let batchSize = 4

    func batches(from start: BatchPosition) -> any BatchIterator {
      AnyIterator { batch(4) }
    }
  }

  /// A run with it: what is trained and what not, and a checkpoint that holds the projector once.
  @Test func aRunTrainsAllButTheClassifiers() throws {
    func distiller(seed: UInt64) throws -> Distiller {
      let made = try made(seed: seed)
      let objective = Objective([.crossEntropy(weight: 0), .init("simkd", made.loss, weight: 1)])
      return Distiller(
        student: made.network, teacher: LiveTeacher(made.teacher, statistics: objective.statistics),
        objective: objective, recipe: Recipe(epochs: 2, optimizer: .sgd(learningRate: 0.05)))
    }
    func go(_ distiller: Distiller, steps: Int) throws -> [String] {
      let events = distiller.events(on: Source())
      var (done, warnings) = (0, [String]())
      while done < steps, let event = try events.next() {
        switch event {
        case .warning(let warning): warnings.append(warning)
        case .step: done += 1
        case .epoch: break
        }
      }
      return warnings
    }
    let (first, other) = (try distiller(seed: 3), try distiller(seed: 8))
    let before = first.student.bytes
    #expect(try go(first, steps: 3).filter { $0.contains("reaches") } == [])
    for (name, tensor) in first.student.state where tensor.dtype.isFloatingPoint {
      let isFrozen = name.hasPrefix("classifier.") || name.hasPrefix("student.fc.")
      #expect((tensor.bytes() == before[name]) == isFrozen, "\(name)")
    }
    try withTestFolder { folder in
      let file = folder.appending(path: "checkpoint.safetensors")
      try Checkpoint.save(first, to: file)
      #expect(try Safetensors.entries(of: file).keys.allSatisfy { !$0.hasPrefix("adapter") })
      try Checkpoint.load(file, into: other)
    }
    for distiller in [first, other] { _ = try go(distiller, steps: 1) }
    #expect(other.student.bytes == first.student.bytes)
  }
}
