// Probabilistic knowledge transfer, by similarities of pooled vectors as probabilities.

import Torch

/// PKT: Passalis & Tefas, *Learning Deep Representations with Probabilistic Knowledge Transfer*, ECCV 2018.
///
/// For pooled vectors f (b x d), each divided by its norm + 1e-7: K = (f f^T + 1) / 2, and P (b x b) is K with each row
/// divided by its sum, the diagonal included. The loss is the mean over b^2 of P_t ln((P_t + 1e-7) / (P_s + 1e-7)).
///
/// Agrees with `nn/pkt.py` of passalis/probabilistic_kt and `distiller_zoo/PKT.py` of HobbitLong/RepDistiller. Because of
/// the mean a weight belongs to a batch size: 30000 at 64 is 7.3 for the sum.
public struct ProbabilisticKnowledgeTransfer: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "pkt", paper: "Passalis & Tefas, ECCV 2018",
    formula: """
      K = (cosines of pooled vectors + 1) / 2, P = K with each row divided by its sum
      mean over b^2 of P_t ln((P_t + 1e-7) / (P_s + 1e-7))
      """,
    agreesWith: "nn/pkt.py of passalis/probabilistic_kt, distiller_zoo/PKT.py of HobbitLong/RepDistiller",
    compares: "pooled vectors", records: "a b x b matrix", weight: 30000, loneInput: "one vector has no similarities")

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    _ = try setup.pooledWidths()
    return self
  }

  private static let teacher = TeacherStatistic.relation("pkt", of: Activations.pooledName, compute: probabilities)

  public var statistics: Set<TeacherStatistic> { [Self.teacher] }
  public var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    let (student, teacher) = (Self.probabilities(step.student.tap(Activations.pooledName)), step.teacher[Self.teacher])
    return (teacher * ((teacher + 1e-7).log() - (student + 1e-7).log())).mean()
  }

  @Sendable private static func probabilities(_ rows: Tensor) -> Tensor {
    // Twice K: the half is in the sum as well. Rounding leaves opposite vectors a little below 0, where there is no
    // logarithm.
    let kernel = (rows.normalized(extra: 1e-7).gram() + 1).clamped(minimum: 0)
    return kernel * kernel.sum([1], keepingAxes: true).pow(-1)
  }
}
