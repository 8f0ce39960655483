// DIST, by correlations of probabilities.

import Torch

/// DIST: Huang, You, Wang, Qian & Xu, *Knowledge Distillation from A Stronger Teacher*, NeurIPS 2022, section 4.
///
/// With p = softmax(z / T) (b x classes) and rho Pearson's correlation: T^2 (1 - the mean over inputs of rho of the rows)
/// times beta, plus T^2 (1 - the mean over classes of rho of the columns) times gamma. The denominators have 1e-8 added.
///
/// Agrees with `dist_kd.py` of hunto/image_classification_sota. The weight of 2 is that of all its recipes, where T is 4
/// on CIFAR and 1 on ImageNet: the paper's beta = gamma = 2. A row or column whose entries are all the same correlates
/// with nothing: 0, without a gradient.
public struct DIST: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "dist", paper: "Huang et al., NeurIPS 2022",
    formula: """
      p = softmax(z / T), rho Pearson's correlation
      T^2 (beta (1 - mean of rho over rows) + gamma (1 - mean of rho over columns))
      """,
    agreesWith: "dist_kd.py of hunto/image_classification_sota", compares: "logits", records: "the logits", weight: 2,
    loneInput: "one row leaves nothing to correlate within a class")
  public static let settings = [
    Setting.number("temperature", \DIST.temperature, .positive, "T, by which logits are divided"),
    Setting.number("beta", \DIST.beta, .notNegative, "the share of the correlations within each input"),
    Setting.number("gamma", \DIST.gamma, .notNegative, "the share of the correlations within each class"),
  ]

  /// T, by which logits are divided.
  public var temperature = 4.0
  /// The share of the correlations within each input.
  public var beta = 1.0
  /// The share of the correlations within each class.
  public var gamma = 1.0

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    return self
  }

  public var statistics: Set<TeacherStatistic> { [.logits] }
  public var request: ActivationRequest { .logits }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    let student = (step.student.requiredLogits() / temperature).softmax(1)
    let teacher = (step.teacher[.logits] / temperature).softmax(1)
    let rows = correlation(student, teacher, axis: 1).mean().affine(scale: -beta, shift: beta)
    let columns = correlation(student, teacher, axis: 0).mean().affine(scale: -gamma, shift: gamma)
    return (rows + columns) * (temperature * temperature)
  }

  /// Pearson's correlation along an axis.
  private func correlation(_ student: Tensor, _ teacher: Tensor, axis: Int) -> Tensor {
    let (u, v) = (student.centred(axis), teacher.centred(axis))
    // Where one of the two is zero there is nothing to correlate.
    let norms = (u.norm([axis]) * v.norm([axis])).threshold(0, .infinity)
    return (u * v).sum([axis]) / (norms + 1e-8)
  }
}
