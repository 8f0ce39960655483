// Transformed teacher matching, by logits.

import Torch

/// TTM: Zheng & Yang, *Knowledge Distillation Based on Transformed Teacher Matching*, ICLR 2024.
///
/// KL(q || softmax(z_s)), the mean over the batch, where q is the teacher's p^gamma, normalised: softmax(gamma z_t). Only
/// the teacher has a temperature, 1/gamma, and there is no factor T^2. Agrees with `ttm.py` of zkxufo/TTM, which has a
/// weight and a gamma for each pair of networks: 45 and 0.1 are those of vgg13 to vgg8.
public struct TransformedTeacherMatching: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "ttm", paper: "Zheng & Yang, ICLR 2024",
    formula: "KL(softmax(gamma z_t) || softmax(z_s)), the mean over the batch",
    agreesWith: "ttm.py of zkxufo/TTM", compares: "logits", records: "the logits", weight: 45)
  public static let settings = [
    Setting.number("gamma", \TransformedTeacherMatching.gamma, .positive, "the power of the teacher's probabilities")
  ]

  /// The power of the teacher's probabilities.
  public var gamma = 0.1

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    return self
  }

  public var statistics: Set<TeacherStatistic> { [.logits] }
  public var request: ActivationRequest { .logits }

  public func callAsFunction(_ step: Step) -> Tensor {
    step.student.requiredLogits().divergence(from: step.teacher[.logits] * gamma).mean()
  }
}
