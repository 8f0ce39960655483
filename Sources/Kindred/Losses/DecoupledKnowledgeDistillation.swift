// Decoupled knowledge distillation, by logits and labels.

import Torch

/// DKD: Zhao, Cui, Song, Qiu & Liang, *Decoupled Knowledge Distillation*, CVPR 2022, section 3.
///
/// With p = softmax(z / T), y the target: TCKD = T^2 KL of (p_y, 1 - p_y), NCKD = T^2 KL of the softmax over the classes
/// other than y, both of the teacher to the student and the mean over the batch. The loss is alpha TCKD + beta NCKD,
/// beside a whole cross-entropy; its weight rises linearly over the first epochs. KD is TCKD + (1 - p_y) NCKD, p_y the
/// teacher's, input by input.
///
/// Agrees with `DKD.py` of megvii-research/mdistiller for moderate logits. There the logarithm of a sum of softmaxes is
/// taken, which is infinite for logits of 500; here it is a log-sum-exp. beta is 2 for resnet56 to resnet20 and resnet110
/// to resnet32, 6 for pairs of WRNs and for vgg13, and 8 for resnet32x4 and ResNet50; on ImageNet T is 1, beta 0.5
/// (ResNet34 to ResNet18) or 2 (ResNet50 to MobileNetV1) and the warm-up one epoch.
///
/// With `standardize` the logits are z-scores first (Sun et al., *Logit Standardization in Knowledge Distillation*, CVPR
/// 2024), where alpha and beta are both nine times as large.
public struct DecoupledKnowledgeDistillation: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "dkd", paper: "Zhao et al., CVPR 2022",
    formula: """
      p = softmax(z / T), y the target, q the softmax of z / T over the classes but y
      T^2 (alpha KL((p_y, 1 - p_y)_t || (p_y, 1 - p_y)_s) + beta KL(q_t || q_s)), the mean over the batch
      """,
    agreesWith: "DKD.py of megvii-research/mdistiller, for moderate logits", compares: "logits", records: "the logits",
    weight: 1, warmUpEpochs: 20)
  public static let settings = [
    Setting.number("alpha", \DecoupledKnowledgeDistillation.alpha, .notNegative, "the share of the target's term"),
    Setting.number("beta", \DecoupledKnowledgeDistillation.beta, .notNegative, "the share of the other classes' term"),
    Setting.number(
      "temperature", \DecoupledKnowledgeDistillation.temperature, .positive, "T, by which logits are divided"),
    Setting.flag(
      "standardize", \DecoupledKnowledgeDistillation.standardize, "whether each row of logits becomes z-scores (LSKD)"),
  ]

  /// The share of the target class's term.
  public var alpha = 1.0
  /// The share of the other classes' term.
  public var beta = 8.0
  /// T, by which logits are divided.
  public var temperature = 4.0
  /// Whether each row of logits becomes z-scores first.
  public var standardize = false

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
    let logits = step.student.requiredLogits()
    let targets = Targets(step.batch.requiredLabels(), of: logits)
    let student = decoupled(logits, targets)
    let teacher = decoupled(step.teacher[.logits], targets)
    let target = student.target.divergence(from: teacher.target)
    let others = student.others.divergence(from: teacher.others)
    return targets.mean(target * alpha + others * beta) * (temperature * temperature)
  }

  /// Logits of the target against all other classes together (b x 2), and of the other classes alone (b x classes).
  private func decoupled(_ logits: Tensor, _ targets: Targets) -> (target: Tensor, others: Tensor) {
    let scaled = (standardize ? logits.standardized() : logits) / temperature
    let others = targets.others(scaled)
    return (Tensor.stacked([targets.own(scaled), others.logSumExp([1])], axis: 1), others)
  }
}
