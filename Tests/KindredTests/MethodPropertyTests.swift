// What the formulas of the methods without parameters promise, beside their golden values.

import Foundation
import Kindred
import Testing
import Torch

/// A method of the catalogue that compares logits alone, by itself or with one of its options.
struct LogitsMethod: Sendable, CustomTestStringConvertible {
  let method: any Method
  let testDescription: String

  static let all: [LogitsMethod] = Methods.all.filter { $0.card.compares == "logits" }.flatMap {
    variants(of: $0)
  }

  private static func variants<M: Method>(of type: M.Type) -> [LogitsMethod] {
    let options = M.settings.filter { if case .flag = $0.kind { true } else { false } }
    return [LogitsMethod(method: M(), testDescription: M.card.name)]
      + options.map { option in
        var method = M()
        option.set(&method, .flag(true))
        return LogitsMethod(method: method, testDescription: "\(M.card.name) \(option.key)")
      }
  }
}

/// A loss that counts half from the third epoch on.
private struct Fading: DistillationLoss {
  let request = ActivationRequest()
  func factor(epoch: Int) -> Double? { epoch < 2 ? 1 : 0.5 }
  func callAsFunction(_ step: Step) -> Tensor { .zeros([]) }
}

@Suite struct MethodPropertyTests {
  private let generator = Generator(seed: 11)

  private func normal(_ shape: [Int], deviation: Double = 1) -> Tensor {
    generator.normal(shape, deviation: deviation, dtype: .float64)
  }

  private func compared(
    _ method: any Method, _ student: [String: Tensor], _ teacher: [String: Tensor]
  ) throws -> (loss: Double, gradients: [String: Tensor]) {
    let (loss, gradients) = try MethodComparison(method, student: student, teacher: teacher).value()
    return (loss.item, gradients)
  }

  /// Every other row holds nothing but -500, 0 and 500.
  @Test(arguments: LogitsMethod.all, [DType.float32, .float64])
  func extremeLogitsGiveFiniteNumbers(_ given: LogitsMethod, dtype: DType) throws {
    let extremes = Tensor([500, -500, 0, 500, 0, 0, -500, -500, 0, -500, 500, 500] as [Double], shape: [3, 4])
    let student = Tensor.concatenated([extremes, normal([2, 4])]).to(dtype)
    let teacher = Tensor.concatenated([normal([1, 4]), extremes.flipped([1]), normal([1, 4])]).to(dtype)
    let labels = Tensor([0, 1, 2, 3, 1] as [Int64], shape: [5])
    let (loss, gradients) = try compared(
      given.method, ["logits": student, "labels": labels], ["logits": teacher])
    #expect(loss.isFinite)
    let gradient = try #require(gradients["logits"])
    #expect(Int(gradient.isFinite.sum().item) == gradient.count)
    #expect(gradient.abs().maximum().item > 0)
  }

  /// KD is TCKD + (1 - p) NCKD for each input, p the teacher's probability of the target.
  @Test func kdIsDecoupled() throws {
    for label in 0..<4 {
      let (student, teacher) = (normal([1, 4], deviation: 3), normal([1, 4], deviation: 3))
      var method = DecoupledKnowledgeDistillation()
      method.beta = 1 - (teacher / method.temperature).softmax(1).selected(1, label).item
      let labels = Tensor([Int64(label)], shape: [1])
      let decoupled = try compared(method, ["logits": student, "labels": labels], ["logits": teacher])
      let whole = try compared(KnowledgeDistillation(temperature: 4), ["logits": student], ["logits": teacher])
      #expect(abs(decoupled.loss - whole.loss) < 1e-13 * whole.loss)
      let (one, other) = (try #require(decoupled.gradients["logits"]), try #require(whole.gradients["logits"]))
      // beta is a number here: it has no gradient, and neither has the teacher's p.
      #expect((one - other).norm().item < 1e-13 * other.norm().item)
    }
  }

  @Test func inputsWithoutALabelCountForNothing() throws {
    let labelled = Tensor([1, 3] as [Int64], shape: [2])
    let (student, teacher) = (normal([4, 5], deviation: 3), normal([4, 5], deviation: 3))
    let labels = Tensor([-1, 2, -1, 4] as [Int64], shape: [4])
    var weighted = KnowledgeDistillation()
    weighted.weighted = true
    let methods: [any Method] = [
      DecoupledKnowledgeDistillation(), NormalizedKnowledgeDistillation(), weighted,
    ]
    for method in methods {
      let all = try compared(method, ["logits": student, "labels": labels], ["logits": teacher])
      let some = try compared(
        method, ["logits": student.indexSelect(0, labelled), "labels": labels.indexSelect(0, labelled)],
        ["logits": teacher.indexSelect(0, labelled)])
      #expect(abs(all.loss - some.loss) < 1e-13 * some.loss, "\(method.name)")
      let gradient = try #require(all.gradients["logits"])
      #expect(gradient[0].abs().maximum().item == 0 && gradient[2].abs().maximum().item == 0, "\(method.name)")
    }
  }

  @Test func labelsBeyondTheClassesAreRefused() {
    let entries = ["logits": normal([2, 3]), "labels": Tensor([0, 3] as [Int64], shape: [2])]
    #expect {
      try compared(DecoupledKnowledgeDistillation(), entries, entries)
    } throws: {
      "\($0)" == "the student's 'labels' go up to 3, but its logits have 3 classes from 0"
    }
  }

  @Test func samplesThatTheModuleDoesNotKeepAreRefused() throws {
    let student = [
      "pooled": normal([2, 4]), "labels": Tensor([0, 1] as [Int64], shape: [2]),
      "indices": Tensor([0, 1] as [Int64], shape: [2]),
    ]
    let teacher = ["pooled": normal([2, 4])]
    let crd = ContrastiveRepresentationDistillation()
    let state = try #require(try MethodComparison(crd, student: student, teacher: teacher).loss.module?.state)
    var others = student
    others["indices"] = Tensor([0, 2_000_000] as [Int64], shape: [2])
    #expect {
      try MethodComparison(
        crd, student: others, teacher: teacher,
        state: Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) }))
    } throws: {
      "\($0)" == "the student's samples go up to 2000000, but the module keeps 2 from 0"
    }
  }

  /// A term's weight rises whatever its method, beside what the method does itself; DKD's and ReviewKD's usually over 20.
  @Test func weightsWarmUp() {
    func factors(_ loss: any DistillationLoss, _ epochs: Int) -> [Double?] {
      let term = Objective.Term("term", loss, weight: 3, warmUpEpochs: epochs)
      return [0, 1, 3, 100].map { term.factor(epoch: $0) }
    }
    #expect(factors(KnowledgeDistillation(), 4) == [0.25, 0.5, 1, 1])
    #expect(factors(Fading(), 4) == [0.25, 0.5, 0.5, 0.5])
    #expect(factors(Fading(), 0) == [1, 1, 0.5, 0.5])
    for epochs in [0, 1] { #expect(factors(KnowledgeDistillation(), epochs) == [nil, nil, nil, nil]) }
    let usual = Methods.all.map { $0.card }.filter { $0.warmUpEpochs > 0 }
    #expect(usual.map(\.name) == ["dkd", "reviewkd"] && usual.allSatisfy { $0.warmUpEpochs == 20 })
  }

  /// T begins at 1 + 20 sigmoid(1), and its gradient turns against the student over ten epochs.
  @Test func curriculumTrainsTheTemperature() throws {
    let (student, teacher) = (normal([6, 5], deviation: 3), normal([6, 5], deviation: 3))
    var method = KnowledgeDistillation()
    method.curriculum = true
    let entries = (student: ["logits": student], teacher: ["logits": teacher])
    let comparison = try MethodComparison(method, student: entries.student, teacher: entries.teacher)
    let temperature = 1 + 20 / (1 + exp(-1.0))
    let plain = try compared(KnowledgeDistillation(temperature: temperature), entries.student, entries.teacher)
    #expect(abs(comparison.value().loss.item - plain.loss) < 1e-12 * plain.loss)
    let theta = try #require(comparison.loss.module?.parameters.first)
    #expect(comparison.loss.module?.state.map(\.name) == ["theta"])

    func gradient(epoch: Int) throws -> Double {
      let batch = Batch(
        .zeros([6, 1]), labels: nil, indices: .arange(6), position: BatchPosition(epoch: epoch, batch: 0))
      let objective = Objective([.init("kd", comparison.loss, weight: 1)])
      let step = Step(
        student: Activations(logits: student),
        teacher: TeacherOutput(Activations(logits: teacher), objective.statistics),
        batch: objective.prepare(batch, seed: 1))
      return try #require(objective(step).total.gradients(of: [theta])[0]).item
    }
    let last = try gradient(epoch: 1000)
    // The loss as a function of theta, the other way round.
    func loss(_ theta: Double) throws -> Double {
      let temperature = 1 + 20 / (1 + exp(-theta))
      return try compared(KnowledgeDistillation(temperature: temperature), entries.student, entries.teacher).loss
    }
    #expect(abs(last + (try loss(1 + 1e-5) - loss(1 - 1e-5)) / 2e-5) < 1e-6 * abs(last))
    for epoch in [0, 4, 9] {
      let factor = (1 - cos(.pi * Double(epoch + 1) / 10)) / 2
      #expect(abs(try gradient(epoch: epoch) - factor * last) < 1e-6 * abs(last), "epoch \(epoch)")
    }
  }

  @Test func optionsOfKDThatDoNotGoTogetherAreRefused() throws {
    let network = NetworkDescription(name: "network", classes: 5, taps: [:])
    func loss(_ choose: (inout KnowledgeDistillation) -> Void) throws -> any DistillationLoss {
      var method = KnowledgeDistillation()
      choose(&method)
      return try method.loss(for: LossSetup(student: network, teacher: network, generator: Generator(seed: 1)))
    }
    #expect(throws: Never.self) { try loss { ($0.standardize, $0.curriculum) = (true, true) } }
    let refused: [((inout KnowledgeDistillation) -> Void, String)] = [
      (
        { ($0.standardize, $0.normalize) = (true, true) },
        "normalize: does not go together with standardize; keep one of them"
      ),
      (
        { ($0.weighted, $0.curriculum) = (true, true) },
        "curriculum: does not go together with weighted; keep one of them"
      ),
      (
        { ($0.curriculum, $0.temperature) = (true, 4) },
        "temperature: is trained, with curriculum; leave it out, or curriculum"
      ),
    ]
    let set = { KnowledgeDistillation(temperature: $0) }
    #expect(set(4) == KnowledgeDistillation() && set(3) != KnowledgeDistillation())
    for (choose, message) in refused {
      #expect { try loss(choose) } throws: { "\($0)" == message }
    }
  }

  /// A batch whose angles are compared in two blocks, against all b^3 at once.
  @Test func anglesInBlocksAreTheSame() throws {
    let (student, teacher) = (normal([170, 3]), normal([170, 4]))
    student.requiresGradient = true
    func angles(_ rows: Tensor) -> Tensor {
      let gaps = rows.unsqueezed(0) - rows.unsqueezed(1)
      let lengths = gaps.squared().sum([2], keepingAxes: true)
      let directions = gaps / (lengths + Tensor.eye(170, dtype: .float64).unsqueezed(2)).sqrt()
      return directions.matmul(directions.transposed())
    }
    let whole = angles(student).smoothL1(angles(teacher))
    var method = RelationalKnowledgeDistillation()
    (method.distance, method.angle) = (0, 1)
    let blocks = try compared(method, ["pooled": student.detached()], ["pooled": teacher])
    #expect(abs(blocks.loss - whole.item) < 1e-12 * whole.item)
    let expected = try #require(whole.gradients(of: [student])[0])
    #expect((try #require(blocks.gradients["pooled"]) - expected).norm().item < 1e-12 * expected.norm().item)
  }

  /// With fewer positions than channels the products are taken between positions: the same sums of (u . v)^2.
  @Test func selectivityOfManyChannelsIsTheSame() throws {
    let (b, cs, ct, hw) = (2, 6, 5, 4)
    let (student, teacher) = (normal([b, cs, 2, 2]), normal([b, ct, 2, 2]))
    func units(_ maps: Tensor, _ image: Int, _ channels: Int) -> [[Double]] {
      let values = maps[image].elements(as: Double.self)
      return (0..<channels).map { channel in
        let map = values[channel * hw..<(channel + 1) * hw]
        let norm = map.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return map.map { $0 / norm }
      }
    }
    func mean(_ one: [[Double]], _ other: [[Double]]) -> Double {
      let products = one.flatMap { u in other.map { v in zip(u, v).reduce(0) { $0 + $1.0 * $1.1 } } }
      return products.reduce(0) { $0 + $1 * $1 } / Double(products.count)
    }
    let expected = (0..<b).map { image in
      let (s, t) = (units(student, image, cs), units(teacher, image, ct))
      return mean(t, t) + mean(s, s) - 2 * mean(t, s)
    }
    let found = try compared(NeuronSelectivityTransfer(), ["activation": student], ["activation": teacher])
    #expect(abs(found.loss - expected.reduce(0, +) / Double(b)) < 1e-14)
  }

  /// Centred and of length 1, whatever the features' scale, shift and rotation.
  @Test func alignmentSeesNoScaleAndNoShift() throws {
    let (student, teacher) = (normal([6, 4]), normal([6, 3, 2, 2]))
    func loss(_ student: Tensor, _ teacher: Tensor) throws -> Double {
      try compared(CentredKernelAlignment(), ["activation": student], ["activation": teacher]).loss
    }
    let plain = try loss(student, teacher)
    #expect(plain > 0.1 && plain < 1)
    #expect(abs(try loss(student * 3 + 2, teacher * 0.01 - 1) - plain) < 1e-12)
    #expect(abs(try loss(student, student * -2 + 5)) < 1e-14)
  }
}
