// Correlation congruence, in the form that benchmarks use.

import Torch

/// CC: after Peng et al., *Correlation Congruence for Knowledge Distillation*, ICCV 2019.
///
/// Two trained linear layers embed the pooled vectors of student and teacher in 128 numbers. With d_i the absolute
/// difference of both embeddings of input i (b x 128), the loss is the mean over neighbours in the batch of
/// sum_k d_ik d_(i+1)k.
///
/// This is `distiller_zoo/CC.py` of HobbitLong/RepDistiller, the form behind the published tables, and not the paper's:
/// that compares a kernel's values between all inputs of the batch and trains nothing.
public struct CorrelationCongruence: Method {
  public static let card = MethodCard(
    name: "cc", paper: "Peng et al., ICCV 2019, as in RepDistiller",
    formula: """
      d_i = |e(f_s,i) - e'(f_t,i)|, e and e' the embeddings
      the mean over neighbours in the batch of d_i . d_(i+1)
      """,
    agreesWith: "distiller_zoo/CC.py of HobbitLong/RepDistiller", compares: "pooled vectors",
    trains: "two linear layers to 128 numbers", records: "the pooled vectors", weight: 0.02,
    loneInput: "one row has no neighbour")

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let widths = try setup.pooledWidths()
    return CorrelationCongruenceLoss(
      embeddings: CorrelationEmbeddings(widths.student, widths.teacher, generator: setup.generator))
  }
}

private struct CorrelationCongruenceLoss: DistillationLoss {
  let embeddings: CorrelationEmbeddings

  var module: Module? { embeddings }
  var statistics: Set<TeacherStatistic> { [.pooled] }
  var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }
  var reduction: BatchReduction { .relations }

  func callAsFunction(_ step: Step) -> Tensor {
    let student = embeddings.embedS(step.student.tap(Activations.pooledName))
    let gap = (student - embeddings.embedT(step.teacher[.pooled])).abs()
    let count = gap.shape[0]
    return (gap.narrowed(0, 0..<count - 1) * gap.narrowed(0, 1..<count)).sum([1]).mean()
  }
}

private final class CorrelationEmbeddings: Module {
  let embedS: Linear
  let embedT: Linear

  init(_ student: Int, _ teacher: Int, generator: Generator) {
    embedS = Linear(student, 128, generator: generator)
    embedT = Linear(teacher, 128, generator: generator)
  }

  override var entryNames: [String: String] { ["embedS": "embed_s", "embedT": "embed_t"] }
}
