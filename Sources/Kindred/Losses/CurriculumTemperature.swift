// The temperature of KD as a trained parameter: the option `curriculum`.

import Foundation
import Torch

/// CTKD: Li et al., *Curriculum Temperature for Knowledge Distillation*, AAAI 2023, with its global temperature.
///
/// KD at T = 1 + 20 sigmoid(theta), where theta is trained with the student: its gradient, which reaches it through both
/// softmaxes and T^2, is multiplied by lambda, which falls from 0 to -1 with a cosine over the first ten epochs, counted
/// from 1. So theta makes the loss larger, and lessons become harder. Agrees with zhengli97/CTKD.
struct CurriculumLoss: DistillationLoss {
  private let standardize: Bool
  private let temperature = CurriculumTemperature()

  /// - Parameter standardize: whether each row of logits becomes z-scores first.
  init(standardize: Bool) { self.standardize = standardize }

  var statistics: Set<TeacherStatistic> { [.logits] }
  var request: ActivationRequest { .logits }
  var module: Module? { temperature }

  /// lambda: a tensor, so that a step that is captured once goes on with each epoch's.
  func prepare(_ batch: Batch, seed: UInt64) -> [String: Tensor] {
    let progress = Double(min(batch.position.epoch, 9) + 1) / 10
    return ["lambda": Tensor((cos(.pi * progress) - 1) / 2)]
  }

  func callAsFunction(_ step: Step) -> Tensor {
    let temperature = temperature(lambda: step.extra("lambda"))
    let divergence = scaled(step.student.requiredLogits(), temperature)
      .divergence(from: scaled(step.teacher[.logits], temperature))
    return divergence.mean() * temperature.squared()
  }

  private func scaled(_ logits: Tensor, _ temperature: Tensor) -> Tensor {
    (standardize ? logits.standardized() : logits) / temperature
  }
}

/// A trained temperature.
private final class CurriculumTemperature: Module {
  let theta = Tensor.ones([1])

  override init() { theta.requiresGradient = true }

  /// T, a scalar, whose gradient reaches theta multiplied by lambda.
  func callAsFunction(lambda: Tensor) -> Tensor {
    let still = theta.detached()
    let slowed = still + (theta - still) * lambda
    return slowed.sigmoid().affine(scale: 20, shift: 1).reshaped([])
  }
}
