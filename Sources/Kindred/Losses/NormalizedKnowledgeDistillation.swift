// Normalised knowledge distillation, by logits and labels.

import Torch

/// NKD: Yang, Zeng, Li, Zhang, Yuan & Li, *From Knowledge Distillation to Self-Knowledge Distillation: A Unified
/// Approach with Normalized Loss and Customized Soft Labels*, ICCV 2023.
///
/// With p = softmax(z), y the target and q the softmax of z / T over the classes other than y:
/// -p_t(y) ln p_s(y) - gamma T^2 sum over j != y of q_t(j) ln q_s(j), the mean over the batch, beside a whole
/// cross-entropy.
///
/// Agrees with `nkd.py` of yzd-v/cls_KD, whose values for ImageNet these are; gamma is 1 for DeiT, and its README has none
/// for CIFAR-100.
public struct NormalizedKnowledgeDistillation: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "nkd", paper: "Yang et al., ICCV 2023",
    formula: """
      p = softmax(z), q the softmax of z / T over the classes but y
      -p_t(y) ln p_s(y) - gamma T^2 sum over j of q_t(j) ln q_s(j), the mean over the batch
      """,
    agreesWith: "nkd.py of yzd-v/cls_KD", compares: "logits", records: "the logits", weight: 1)
  public static let settings = [
    Setting.number(
      "temperature", \NormalizedKnowledgeDistillation.temperature, .positive,
      "T, by which the other classes' logits are divided"),
    Setting.number(
      "gamma", \NormalizedKnowledgeDistillation.gamma, .notNegative, "the share of the other classes' term"),
  ]

  /// T, by which the logits of the classes other than the target are divided.
  public var temperature = 1.0
  /// The share of the other classes' term.
  public var gamma = 1.5

  /// With the usual settings.
  public init() {}

  public var needsLabels: Bool { true }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    return self
  }

  public var statistics: Set<TeacherStatistic> { [.logits] }
  public var request: ActivationRequest { .logits }
  public var reduction: BatchReduction { .labelledInputs }

  public func callAsFunction(_ step: Step) -> Tensor {
    let (student, teacher) = (step.student.requiredLogits(), step.teacher[.logits])
    let targets = Targets(step.batch.requiredLabels(), of: student)
    let target = -(targets.own(teacher.softmax(1)) * targets.own(student.logSoftmax(1)))
    let others = targets.others(student / temperature).softCrossEntropy(with: targets.others(teacher / temperature))
    return targets.mean(target + others * (gamma * temperature * temperature))
  }
}
