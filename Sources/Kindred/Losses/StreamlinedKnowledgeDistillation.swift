// SKD's direction term, by whitened differences of similarities of logits.

import Torch

/// The direction term of SKD, streamlined knowledge distillation: Jeong, Lee & Choi, CVPR 2026.
///
/// With G = z z^T (b x b) of the logits' rows, each divided by its norm, and D = G_s - G_t: the mean over inputs of
/// sqrt(D_i S^-1 D_i^T), where S is the unbiased covariance (b x b) of D's columns over its rows, plus lambda on its
/// diagonal. 1e-12 is added under the root, whose slope is infinite at 0. The paper's whole loss is 0.1 cross-entropy,
/// 0.9 KD (T = 4) and this term.
///
/// Agrees with `losses/mid_level.py` of yoshitomo-matsubara/torchdistill. The authors' code divides the Gram matrices by
/// the number of classes first: S is then lambda's part and nothing else, so that nothing is whitened and the loss is
/// |D_i| / (classes sqrt(lambda)).
public struct StreamlinedKnowledgeDistillation: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "skd", paper: "Jeong, Lee & Choi, CVPR 2026",
    formula: """
      D = G_s - G_t of the normalised logits, G = z z^T; S = cov(D) + lambda I
      mean over inputs of sqrt(D_i S^-1 D_i^T)
      """,
    agreesWith: "losses/mid_level.py of yoshitomo-matsubara/torchdistill", compares: "logits",
    records: "a b x b matrix", weight: 1, loneInput: "one row has no similarities")
  public static let settings = [
    Setting.number(
      "lambda", \StreamlinedKnowledgeDistillation.lambda, .positive, "what is added to the covariance's diagonal")
  ]

  /// What is added to the covariance's diagonal.
  public var lambda = 0.1

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireLogits()
    return self
  }

  private static let teacher = TeacherStatistic.cosines(Activations.logitsName)

  public var statistics: Set<TeacherStatistic> { [Self.teacher] }
  public var request: ActivationRequest { .logits }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    let difference = cosines(step.student.requiredLogits()) - step.teacher[Self.teacher]
    let count = difference.shape[0]
    let centred = difference - difference.mean([0], keepingAxes: true)
    let covariance = centred.transposed().matmul(centred) / Double(count - 1)
    let ridge = Tensor.eye(count, dtype: difference.dtype, device: difference.device) * lambda
    let whitened = (covariance + ridge).cholesky().solveLowerTriangular(difference.transposed())
    return (whitened.squared().sum([0]) + 1e-12).sqrt().mean()
  }
}
