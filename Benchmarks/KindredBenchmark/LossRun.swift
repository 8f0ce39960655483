// One method's loss on made-up activations, and the parts of CRD: what `kindred-bench losses` times.

import Graph
import Kindred
import Torch

/// A method's loss, forward and backward, on what a WRN-16-2 and a WRN-40-2 give for CIFAR-100, as in `pytorch_losses.py`.
///
/// The activations are made once and lie in memory as the networks leave them: maps channels-last. What is needed of the
/// teacher is computed from its activations in every step, as with a live teacher and as PyTorch's side does.
final class LossRun {
  private static let samples = 50_000
  private static let classes = 100
  private static let width = 128
  private static let stages: [(channels: Int, size: Int)] = [(32, 32), (64, 16), (128, 8)]

  private let loss: any DistillationLoss
  private let student: Network
  private let teacher: Activations
  private let leaves: [Tensor]
  private let images: Tensor
  private let labels: Tensor
  private let indices: Tensor
  private var position = BatchPosition()

  /// - Throws: `MethodError` for settings that do not go together.
  init(_ method: any Method, batch: Int) throws {
    let generator = Generator(seed: 1)
    let given = LossRun.activations(batch, generator)
    teacher = LossRun.activations(batch, generator)
    loss = try method.loss(for: LossRun.setup(generator))
    student = loss.student(GivenNetwork(given))
    // A map has several names, but is one tensor.
    let inputs = [given.logits].compactMap { $0 } + given.taps.values
    for input in inputs { input.requiresGradient = true }
    leaves = inputs + (loss.module?.parameters ?? [])
    images = .zeros([batch, 1])
    labels = Tensor((0..<batch).map { Int64($0 % LossRun.classes) }, shape: [batch])
    indices = generator.permutation(LossRun.samples).narrowed(0, 0..<batch)
  }

  /// What comes before a step and is no part of its time.
  func clearGradients() {
    for leaf in leaves { leaf.clearGradient() }
    position.batch += 1
  }

  /// Forward and backward, with what the loss prepares for the batch and needs of the teacher.
  func step() {
    let batch = preparedBatch()
    let activations = student.activations(of: batch.student, loss.request)
    loss(Step(student: activations, teacher: TeacherOutput(teacher, loss.statistics), batch: batch)).backward()
  }

  /// What the loss prepares alone: CRD's draw.
  @discardableResult
  func preparedBatch() -> Batch {
    var batch = Batch(images, labels: labels, indices: indices, position: position)
    batch.extras = loss.prepare(batch, seed: 1)
    return batch
  }

  /// The scores of drawn negatives with both of CRD's banks, forwards: what takes the place of gathering their vectors.
  func contrastiveScores() -> () -> Void {
    let state = Dictionary(uniqueKeysWithValues: loss.module?.state.map { ($0.name, $0.tensor) } ?? [])
    let negatives = preparedBatch().extras["negatives"]
    let vectors = teacher.tap(Activations.pooledName)
    guard let negatives, let banks = ["memory_s", "memory_t"].map({ state[$0] }) as? [Tensor] else {
      preconditionFailure("only CRD has banks")
    }
    return { withoutGradients { for bank in banks { _ = vectors.matmul(bank.transposed()).gather(1, negatives) } } }
  }

  private static func activations(_ batch: Int, _ generator: Generator) -> Activations {
    var taps = [Activations.pooledName: generator.normal([batch, width]).relu()]
    for (index, stage) in stages.enumerated() {
      let map = generator.normal([batch, stage.channels, stage.size, stage.size]).contiguous(.channelsLast)
      for name in names(ofStage: index) { taps[name] = map }
    }
    return Activations(logits: generator.normal([batch, classes], deviation: 3), taps: taps)
  }

  private static func names(ofStage index: Int) -> [String] {
    let name = "stage\(index + 1)"
    return [name, "\(name).pre"] + (index == stages.count - 1 ? ["last"] : [])
  }

  private static func setup(_ generator: Generator) -> LossSetup {
    var taps = [Activations.pooledName: [width]]
    var normalizations: [String: TapNormalization] = [:]
    for (index, stage) in stages.enumerated() {
      for name in names(ofStage: index) { taps[name] = [stage.channels, stage.size, stage.size] }
      normalizations["stage\(index + 1).pre"] =
        TapNormalization(weight: .ones([stage.channels]), bias: .zeros([stage.channels]))
    }
    let classifier = TeacherClassifier(
      weight: generator.normal([classes, width], deviation: (1 / Double(width)).squareRoot()), bias: .zeros([classes]))
    return LossSetup(
      student: NetworkDescription(name: "wrn-16-2", classes: classes, taps: taps),
      teacher: NetworkDescription(name: "wrn-40-2", classes: classes, taps: taps),
      samples: .init(count: samples, labels: (0..<samples).map { $0 % classes }), classifier: classifier,
      normalizations: normalizations, generator: generator)
  }
}

extension LossRun {
  /// Every method, and KD with each of its options.
  static let methods: [(name: String, method: any Method)] =
    Methods.all.map { ($0.card.name, $0 == FlowOfSolutionProcedure.self ? flow : $0.init()) } + [
      ("kd-standardize", distillation(\.standardize)), ("kd-normalize", distillation(\.normalize)),
      ("kd-curriculum", distillation(\.curriculum)), ("kd-weighted", distillation(\.weighted)),
    ]

  /// Parts of CRD on their own. One draw has two names, as it stands beside two of PyTorch's.
  static let contrastiveParts = ["crd-draw", "crd-draw-choice", "crd-gather"]

  private static func distillation(_ option: WritableKeyPath<KnowledgeDistillation, Bool>) -> KnowledgeDistillation {
    var method = KnowledgeDistillation()
    method[keyPath: option] = true
    return method
  }

  /// Of the stages alone, as PyTorch's side.
  private static var flow: FlowOfSolutionProcedure {
    var method = FlowOfSolutionProcedure()
    method.layers = ["stage1", "stage2", "stage3"].map { LayerPair($0) }
    return method
  }
}

/// A network that gives what it was given, whatever is asked for.
private final class GivenNetwork: Network {
  private let given: Activations

  init(_ given: Activations) { self.given = given }

  override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    for (name, activation) in given.taps { taps[name] = activation }
    return given.logits
  }
}
