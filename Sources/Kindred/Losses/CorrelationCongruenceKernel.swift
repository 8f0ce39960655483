// Correlation congruence as in its paper, by a kernel of pooled vectors.

import Foundation
import Torch

/// CC as published: Peng et al., *Correlation Congruence for Knowledge Distillation*, ICCV 2019, with the Gaussian
/// kernel's Taylor series to order 2.
///
/// For pooled vectors, each divided by its norm, with cosines c_ij: K_ij = e^(-2 gamma) (1 + 2 gamma c_ij + 2 gamma^2
/// c_ij^2). The loss is ||K_s - K_t||^2 / b^2. It is not what the benchmark of HobbitLong/RepDistiller calls CC, which is
/// `cc`.
public struct CorrelationCongruenceKernel: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "cc-paper", paper: "Peng et al., ICCV 2019",
    formula: """
      c: cosines of pooled vectors; K = e^(-2 gamma) (1 + 2 gamma c + 2 gamma^2 c^2)
      |K_s - K_t|^2 / b^2
      """,
    agreesWith: nil, compares: "pooled vectors", records: "a b x b matrix", weight: nil,
    loneInput: "one vector has no correlations")
  public static let settings = [
    Setting.number("gamma", \CorrelationCongruenceKernel.gamma, .positive, "the Gaussian kernel's gamma")
  ]

  /// The Gaussian kernel's gamma.
  public var gamma = 0.4

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    _ = try setup.pooledWidths()
    return self
  }

  private static let teacher = TeacherStatistic.cosines(Activations.pooledName)

  public var statistics: Set<TeacherStatistic> { [Self.teacher] }
  public var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    let student = kernel(cosines(step.student.tap(Activations.pooledName)))
    return student.meanSquaredError(kernel(step.teacher[Self.teacher]))
  }

  /// Without the series' first member, which is the same for all.
  private func kernel(_ cosines: Tensor) -> Tensor {
    cosines * cosines.affine(scale: 2 * gamma * gamma, shift: 2 * gamma) * exp(-2 * gamma)
  }
}
