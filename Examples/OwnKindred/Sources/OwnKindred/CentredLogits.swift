// A loss of one's own.

import Kindred
import Torch

/// The mean squared difference of both networks' logits, each less their row's mean.
struct CentredLogits: Method, DistillationLoss {
  static let card = MethodCard(
    name: "centred", paper: "none", formula: "mean((c(z_s) - c(z_t))^2), c(z) = (z - mean(z)) / temperature",
    agreesWith: nil, compares: "logits", records: "the logits", weight: 1)
  static let settings = [
    Setting.number("temperature", \CentredLogits.temperature, .positive, "by which logits are divided")
  ]

  /// What logits are divided by.
  var temperature = 1.0

  func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    return self
  }

  var statistics: Set<TeacherStatistic> { [.logits] }
  var request: ActivationRequest { .logits }

  func callAsFunction(_ step: Step) -> Tensor {
    centred(step.student.requiredLogits()).meanSquaredError(centred(step.teacher[.logits]))
  }

  private func centred(_ logits: Tensor) -> Tensor { (logits - logits.mean([1], keepingAxes: true)) / temperature }
}
