// Information-theoretic representation distillation.

import Foundation
import Torch

/// ITRD: Miles, Rodriguez & Mikolajczyk, *Information Theoretic Representation Distillation*, BMVC 2022.
///
/// A trained linear layer brings the student's pooled vectors to the teacher's width: e (b x d). The correlation term
/// standardises the columns of e and t over the batch; with c_k the mean product of column k (d) it is
/// log2 sum_k |c_k - 1|^(2 alpha). The mutual information term takes the Gram matrices of normalised rows, G_s (b x b)
/// and G_s * G_t element by element, each divided by its trace, and is the sum of squares of the first less that of the
/// second. The loss is `correlation` times the first term plus `mutual` times the second.
///
/// Agrees with `distiller_zoo/IT.py` of roymiles/ITRD: the mutual term sees the student's own vectors where both widths
/// are the same, and the embedded ones where they are not. Where that code divides by a standard deviation, 1e-7 is
/// added here; a column that is the same for the whole batch counts as uncorrelated and takes no gradient.
public struct InformationTheoreticDistillation: Method {
  public static let card = MethodCard(
    name: "itrd", paper: "Miles et al., BMVC 2022",
    formula: """
      c_k: mean product of the standardised columns k of e(f_s) and f_t; G: Gram matrices of normalised rows
      correlation log2 sum |c_k - 1|^(2 alpha) + mutual (sum (G_s / tr)^2 - sum (G_s G_t / tr)^2), tr the trace
      """,
    agreesWith: "distiller_zoo/IT.py of roymiles/ITRD", compares: "pooled vectors", trains: "a linear layer",
    records: "the pooled vectors", weight: 1, loneInput: "one row has no standard deviation")
  public static let settings = [
    Setting.number(
      "correlation", \InformationTheoreticDistillation.correlation, .notNegative, "the weight of the correlation term"),
    Setting.number(
      "mutual", \InformationTheoreticDistillation.mutual, .notNegative, "the weight of the mutual information term"),
    Setting.number(
      "alpha", \InformationTheoreticDistillation.alpha, .positive, "half the power of a column's lack of correlation"),
  ]

  /// The weight of the correlation term.
  public var correlation = 2.0
  /// The weight of the mutual information term.
  public var mutual = 0.05
  /// Half the power of |c_k - 1|.
  public var alpha = 1.01

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let widths = try setup.pooledWidths()
    return InformationTheoreticLoss(
      method: self, hasSameWidths: widths.student == widths.teacher,
      embedding: InformationTheoreticEmbedding(widths.student, widths.teacher, generator: setup.generator))
  }
}

private struct InformationTheoreticLoss: DistillationLoss {
  let method: InformationTheoreticDistillation
  let hasSameWidths: Bool
  let embedding: InformationTheoreticEmbedding

  var module: Module? { embedding }
  var statistics: Set<TeacherStatistic> { [.pooled] }
  var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }
  var reduction: BatchReduction { .relations }

  func callAsFunction(_ step: Step) -> Tensor {
    let (student, teacher) = (step.student.tap(Activations.pooledName), step.teacher[.pooled])
    let embedded = embedding.embed(student)
    return correlationTerm(embedded, teacher) * method.correlation
      + mutualTerm(hasSameWidths ? student : embedded, teacher) * method.mutual
  }

  private func correlationTerm(_ student: Tensor, _ teacher: Tensor) -> Tensor {
    let correlation = (student.standardized(0) * teacher.standardized(0)).mean([0])
    return (correlation - 1).abs().pow(2 * method.alpha).sum().log() / M_LN2
  }

  private func mutualTerm(_ student: Tensor, _ teacher: Tensor) -> Tensor {
    let own = cosines(student)
    return own.overTrace().squared().sum() - (own * cosines(teacher)).overTrace().squared().sum()
  }
}

private final class InformationTheoreticEmbedding: Module {
  let embed: Linear

  init(_ student: Int, _ teacher: Int, generator: Generator) {
    embed = Linear(student, teacher, generator: generator)
  }
}

extension Tensor {
  /// A square matrix divided by its trace; as it is where that is zero.
  fileprivate func overTrace() -> Tensor {
    let trace = (self * Tensor.eye(shape[0], dtype: dtype, device: device)).sum()
    return self / Tensor.where(trace.greater(than: 0), trace, Tensor.ones([], dtype: dtype, device: device))
  }
}
