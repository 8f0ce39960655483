// Weighted transformed teacher matching, by logits.

import Torch

/// WTTM: Zheng & Yang, *Knowledge Distillation Based on Transformed Teacher Matching*, ICLR 2024.
///
/// TTM whose KL(softmax(gamma z_t) || softmax(z_s)) is multiplied, input by input, by sum over classes of p^gamma with
/// the teacher's p = softmax(z_t): the more even p, the more it counts. The mean over the batch. Agrees with `wttm.py` of
/// zkxufo/TTM, which has a weight and a gamma for each pair of networks, 4 and 0.2 among them.
public struct WeightedTransformedTeacherMatching: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "wttm", paper: "Zheng & Yang, ICLR 2024",
    formula: "KL(softmax(gamma z_t) || softmax(z_s)) times the sum of softmax(z_t)^gamma, the mean over the batch",
    agreesWith: "wttm.py of zkxufo/TTM", compares: "logits", records: "the logits", weight: 4)
  public static let settings = [
    Setting.number(
      "gamma", \WeightedTransformedTeacherMatching.gamma, .positive, "the power of the teacher's probabilities")
  ]

  /// The power of the teacher's probabilities.
  public var gamma = 0.2

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    return self
  }

  public var statistics: Set<TeacherStatistic> { [.logits] }
  public var request: ActivationRequest { .logits }

  public func callAsFunction(_ step: Step) -> Tensor {
    let teacher = step.teacher[.logits]
    let transformed = teacher * gamma
    let weights = (transformed.logSumExp([1]) - teacher.logSumExp([1]) * gamma).exp()
    return (step.student.requiredLogits().divergence(from: transformed) * weights).mean()
  }
}
