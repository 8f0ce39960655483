// Centred kernel alignment, by similarities of activations.

import Torch

/// CKA: Kornblith, Norouzi, Lee & Hinton, *Similarity of Neural Network Representations Revisited*, ICML 2019, as a loss:
/// Saha, Bialkowski & Khalifa, *Distilling Representational Similarity using Centered Kernel Alignment*, BMVC 2022.
///
/// For activations flattened to Q (b x n) and centred over the batch: K = Q Q^T (b x b). The loss is 1 minus the cosine of
/// the networks' K as vectors, linear CKA; the sum over layer pairs. It lies between 0 and 1 for each, whatever the batch
/// size. Where a network gives all inputs the same there is nothing to align: 1, without a gradient.
public struct CentredKernelAlignment: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "cka", paper: "Kornblith et al., ICML 2019; Saha et al., BMVC 2022",
    formula: """
      K = Q Q^T of activations centred over the batch
      1 - <K_s, K_t> / (|K_s| |K_t|), the sum over layer pairs
      """,
    agreesWith: nil, compares: "activations", records: "a b x b matrix a layer pair", weight: nil,
    loneInput: "one row is its own mean")
  public static let settings = [
    Setting.layers(\CentredKernelAlignment.layers, "what is compared: any tap, logits and pooled among them")
  ]

  public static let usualLayers: UsualLayers? = .lastStage

  public var layers: [LayerPair] = []

  /// Compares the last stages of the networks that `loss(for:)` is given.
  public init() {}

  /// Compares these layers, in their order.
  public init(_ layers: [LayerPair]) { self.layers = layers }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let method = try setup.resolved(self)
    for pair in method.layers { _ = try setup.shapes(pair) }
    return method
  }

  public var statistics: Set<TeacherStatistic> { Set(layers.map { .alignment($0.teacher) }) }
  public var request: ActivationRequest { ActivationRequest(taps: Set(layers.map(\.student))) }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    total(
      layers.map { pair in
        let cosine = (centredGram(step.student.tap(pair.student)) * step.teacher[.alignment(pair.teacher)]).sum()
        return cosine.affine(scale: -1, shift: 1)
      })
  }
}

extension TeacherStatistic {
  /// The Gram matrix of centred activations, divided by its norm, b x b.
  fileprivate static func alignment(_ tap: String) -> TeacherStatistic {
    relation("cka", of: tap, compute: centredGram)
  }
}

/// The Gram matrix of centred activations, divided by its norm, b x b.
@Sendable private func centredGram(_ activation: Tensor) -> Tensor {
  let rows = activation.batchRows()
  let mean = rows.mean([0], keepingAxes: true)
  // With the matrix centred as well its slopes are, and what they give the rows: the mean has no gradient of its own.
  let products = (rows - mean.detached()).gram()
  let halfway = products - products.mean([0], keepingAxes: true)
  let gram = halfway - halfway.mean([1], keepingAxes: true)
  // Of rows that are all the same only the mean's rounding is left, which is nothing to align.
  let rounding = mean.detached().norm().squared() * (1e-11 * Double(rows.shape[0]))
  let isMore = (gram.detached().norm() - rounding).greater(than: 0)
  return gram.normalized([0, 1]) * isMore.to(gram.dtype)
}
