// Contrastive representation distillation.

import Foundation
import Torch

/// CRD: Tian, Krishnan & Isola, *Contrastive Representation Distillation*, ICLR 2020, section 3.1 and its memory banks.
///
/// Two trained linear layers bring the pooled vectors to 128 numbers, which are normalised: v^s and v^t (b x 128). A bank
/// for each network holds such a vector of every sample of the set (n x 128). An input i is compared with the other
/// network's vector of itself, k = 0, and of K samples r_ik of other classes, drawn anew in each step:
///
///     x_ik = exp(v^s_i . M^t[r_ik] / temperature) / Z_s
///     h = -(1/b) sum_i (ln(x_i0 / (x_i0 + K/n + 1e-7)) + sum_k ln(K/n / (x_ik + K/n + 1e-7)))
///
/// The loss is h and the same of v^t with M^s and Z_t. Z is n times the mean exponential of the first batch and then stays.
/// After each step the batch's rows of both banks become their old values and the new vectors, mixed by `momentum` and
/// normalised; where a sample is twice in a batch its last vector counts.
///
/// Agrees with `crd/criterion.py` and `crd/memory.py` of HobbitLong/RepDistiller, mode `exact`. There every row that is
/// compared is gathered (b K x 128 numbers a bank); here all scores are one product with the bank, of which b K are taken.
public struct ContrastiveRepresentationDistillation: Method {
  public static let card = MethodCard(
    name: "crd", paper: "Tian et al., ICLR 2020",
    formula: """
      x_ik = exp(v_i . M[r_ik] / temperature) / Z of the input itself (k = 0) and K others
      -(1/b) sum_i (ln(x_i0 / (x_i0 + K/n + 1e-7)) + sum_k ln(K/n / (x_ik + K/n + 1e-7))), both v with the other's bank M
      """,
    agreesWith: "crd/criterion.py and crd/memory.py of HobbitLong/RepDistiller, mode exact", compares: "pooled vectors",
    trains: "two linear layers to 128 numbers; keeps two such vectors a sample", records: "the pooled vectors",
    weight: 0.8)
  public static let settings = [
    Setting.number(
      "temperature", \ContrastiveRepresentationDistillation.temperature, .positive,
      "by which the products of vectors are divided"),
    Setting.wholeNumber(
      "negatives", \ContrastiveRepresentationDistillation.negatives, in: 1...16_777_216,
      "K, the samples of other classes that an input is compared with"),
    Setting.number(
      "momentum", \ContrastiveRepresentationDistillation.momentum, .belowOne,
      "the share of the old vector in a bank's new one"),
  ]

  /// What scores are divided by.
  public var temperature = 0.07
  /// K, the samples of other classes that an input is compared with.
  public var negatives = 16_384
  /// The share of the old vector in a bank's new one.
  public var momentum = 0.5

  /// With the usual settings.
  public init() {}

  public var needsLabels: Bool { true }
  public static var keepsSamples: Bool { true }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let widths = try setup.pooledWidths()
    let banks = ContrastiveBanks(
      widths.student, widths.teacher, samples: setup.samples?.count ?? 0, generator: setup.generator)
    return ContrastiveLoss(method: self, banks: banks, sampler: try setup.samples.map(sampler))
  }

  private func sampler(_ samples: LossSetup.Samples) throws -> NegativeSampler {
    guard let labels = samples.labels else { throw MethodError("needs the class of each sample, and there are none") }
    guard let sampler = NegativeSampler(labels: labels) else {
      throw MethodError("compares samples of different classes, and all are of one; use sp, rkd or pkt")
    }
    return sampler
  }
}

private struct ContrastiveLoss: DistillationLoss {
  private static let negativesKey = "negatives"
  /// Keeps the draws apart from whatever else is drawn by seed and epoch: `crd` in ASCII.
  private static let purpose: UInt64 = 0x63_7264

  let method: ContrastiveRepresentationDistillation
  let banks: ContrastiveBanks
  /// nil where only shapes are looked at.
  let sampler: NegativeSampler?

  var module: Module? { banks }
  var statistics: Set<TeacherStatistic> { [.pooled] }
  var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }
  var reduction: BatchReduction { .relations }

  /// The negatives, b x K.
  func prepare(_ batch: Batch, seed: UInt64) -> [String: Tensor] {
    guard let sampler else { fatalError("crd was set up without samples") }
    let (indices, count) = (batch.indices.elements(as: Int64.self), method.negatives)
    let buffer = TensorBuffer<Int64>(count: indices.count * count)
    for (row, index) in indices.enumerated() {
      var random = SplitMix64(
        key: ContrastiveLoss.purpose, seed, UInt64(batch.position.epoch), UInt64(batch.position.batch), UInt64(row))
      sampler.draw(.init(rebasing: buffer.elements[row * count..<(row + 1) * count]), for: Int(index), from: &random)
    }
    return [ContrastiveLoss.negativesKey: Tensor(buffer, shape: [indices.count, count])]
  }

  func callAsFunction(_ step: Step) -> Tensor {
    let student = banks.embedS(step.student.tap(Activations.pooledName)).normalized([1])
    let teacher = banks.embedT(step.teacher[.pooled]).normalized([1])
    let (indices, negatives) = (step.batch.indices, step.extra(ContrastiveLoss.negativesKey))
    let value =
      contrast(student, banks.memoryT, banks.normalizerS, indices, negatives)
      + contrast(teacher, banks.memoryS, banks.normalizerT, indices, negatives)
    withoutGradients {
      update(banks.memoryS, student, indices)
      update(banks.memoryT, teacher, indices)
    }
    return value
  }

  /// h of one side: its vectors against the other side's bank.
  private func contrast(
    _ vectors: Tensor, _ bank: Tensor, _ normalizer: Tensor, _ indices: Tensor, _ negatives: Tensor
  ) -> Tensor {
    let leaf = vectors.detached()
    leaf.requiresGradient = vectors.requiresGradient
    let positive = (leaf * bank.indexSelect(0, indices)).sum([1], keepingAxes: true) / method.temperature
    let negative = leaf.matmul(bank.transposed()).gather(1, negatives) / method.temperature
    set(normalizer, positive, negative, samples: bank.shape[0])
    let value = logLoss(positive, negative, normalizer, samples: bank.shape[0])
    // The gradient is taken now and handed on by a term of value 0: a later one would see the bank changed.
    guard leaf.requiresGradient, let gradient = value.gradients(of: [leaf])[0] else { return value }
    return value.detached() + ((vectors - vectors.detached()) * gradient).sum()
  }

  /// h of scores: those of the positives, b x 1, and of the negatives, b x K.
  private func logLoss(_ positive: Tensor, _ negative: Tensor, _ normalizer: Tensor, samples: Int) -> Tensor {
    let (batch, count) = (Double(negative.shape[0]), Double(negative.shape[1]))
    // x / (x + c) is the sigmoid of score - ln(Z c), whose logarithm no score makes infinite.
    let noise = count / Double(samples)
    let shift = normalizer.log() + log(noise + 1e-7)
    return ((shift - positive).softplus().sum() + (negative - shift).softplus().sum()) / batch
      + count * log1p(1e-7 / noise)
  }

  /// Sets the normalizer where it is not set yet, by tensor operations alone, so that the step can be captured.
  private func set(_ normalizer: Tensor, _ positive: Tensor, _ negative: Tensor, samples: Int) {
    withoutGradients {
      let sums = [positive, negative].map { $0.logSumExp([0, 1]) }
      let scale = Double(samples) / Double(positive.count + negative.count)
      let first = Tensor.stacked(sums).logSumExp([0], keepingAxes: true).exp() * scale
      normalizer.copyInPlace(Tensor.where(normalizer.greater(than: 0), normalizer, first))
    }
  }

  private func update(_ bank: Tensor, _ vectors: Tensor, _ indices: Tensor) {
    let old = bank.indexSelect(0, indices)
    let new = (old * method.momentum + vectors * (1 - method.momentum)).normalized([1])
    bank.indexCopyInPlace(indices, new.indexSelect(0, indices.lastPlaces()))
  }
}

/// What CRD trains, and what it keeps of every sample of the set.
private final class ContrastiveBanks: Module {
  let embedS: Linear
  let embedT: Linear
  /// n x 128.
  let memoryS: Tensor
  /// n x 128.
  let memoryT: Tensor
  /// Z of the student's vectors, -1 while it is not set.
  let normalizerS: Tensor
  /// Z of the teacher's vectors, -1 while it is not set.
  let normalizerT: Tensor

  private static let width = 128

  init(_ student: Int, _ teacher: Int, samples: Int, generator: Generator) {
    let width = ContrastiveBanks.width
    embedS = Linear(student, width, generator: generator)
    embedT = Linear(teacher, width, generator: generator)
    let bound = (3 / Double(width)).squareRoot()
    memoryS = generator.uniform([samples, width], -bound..<bound)
    memoryT = generator.uniform([samples, width], -bound..<bound)
    normalizerS = .full([1], -1)
    normalizerT = .full([1], -1)
  }

  override var entryNames: [String: String] {
    [
      "embedS": "embed_s", "embedT": "embed_t", "memoryS": "memory_s", "memoryT": "memory_t",
      "normalizerS": "normalizer_s", "normalizerT": "normalizer_t",
    ]
  }
}

extension Tensor {
  /// For each entry of an integer tensor of one axis, the last place where it stands.
  fileprivate func lastPlaces() -> Tensor {
    let places = Tensor.arange(count, device: device)
    let none = Tensor.full([1], -1, dtype: .int64, device: device)
    return Tensor.where(unsqueezed(1).equal(to: unsqueezed(0)), places, none).argmax(1)
  }
}
