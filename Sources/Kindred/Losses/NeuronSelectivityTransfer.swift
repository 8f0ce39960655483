// Neuron selectivity transfer, by where channels respond.

import Torch

/// NST: Huang & Wang, *Like What You Like: Knowledge Distill via Neuron Selectivity Transfer*, 2017, with the polynomial
/// kernel (u . v)^2.
///
/// The larger of two maps is average-pooled to the smaller, and each channel's map divided by its L2 norm: u_s
/// (b x c_s x h w) and u_t (b x c_t x h w). The loss is the mean of (u_t,i . u_t,j)^2 plus that of (u_s,i . u_s,j)^2 minus
/// twice that of (u_t,i . u_s,j)^2, over inputs and pairs of channels; the sum over layer pairs.
///
/// Agrees with `distiller_zoo/NST.py` of HobbitLong/RepDistiller, which compares every stage, in products of matrices
/// instead of its b x c x c x h w numbers.
public struct NeuronSelectivityTransfer: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "nst", paper: "Huang & Wang, 2017",
    formula: """
      u: each channel's map divided by its L2 norm
      mean (u_t,i . u_t,j)^2 + mean (u_s,i . u_s,j)^2 - 2 mean (u_t,i . u_s,j)^2, the sum over layer pairs
      """,
    agreesWith: "distiller_zoo/NST.py of HobbitLong/RepDistiller", compares: "activations, square maps",
    records: "the teacher's maps (large)", weight: 50)
  public static let settings = [
    Setting.layers(\NeuronSelectivityTransfer.layers, "what is compared: taps that give square maps")
  ]

  public static let usualLayers: UsualLayers? = .allStages

  public var layers: [LayerPair] = []

  /// Compares all stages of the networks that `loss(for:)` is given.
  public init() {}

  /// Compares these layers, in their order.
  public init(_ layers: [LayerPair]) { self.layers = layers }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let method = try setup.resolved(self)
    for pair in method.layers { _ = try setup.maps(pair, name) }
    return method
  }

  public var statistics: Set<TeacherStatistic> { Set(layers.map { .activation($0.teacher) }) }
  public var request: ActivationRequest { ActivationRequest(taps: Set(layers.map(\.student))) }

  public func callAsFunction(_ step: Step) -> Tensor {
    total(layers.map { discrepancy(step.student.tap($0.student), step.teacher[.activation($0.teacher)]) })
  }

  private func discrepancy(_ student: Tensor, _ teacher: Tensor) -> Tensor {
    let size = min(student.shape[2], teacher.shape[2])
    let (s, t) = (selectivity(student, size), selectivity(teacher, size))
    guard size * size < min(s.shape[1], t.shape[1]) else {
      return meanSquaredProduct(t, t) + meanSquaredProduct(s, s) - meanSquaredProduct(t, s) * 2
    }
    // The same, as the distance of two matrices between positions, which are fewer than the channels.
    return (positionProducts(s) - positionProducts(t)).squared().sum([1, 2]).mean()
  }

  /// The normalised maps of the channels, b x c x h w.
  private func selectivity(_ maps: Tensor, _ size: Int) -> Tensor {
    let pooled = maps.shape[2] == size ? maps : maps.averagePooled(toHeight: size, width: size)
    return pooled.flattened(from: 2).normalized([2])
  }

  private func meanSquaredProduct(_ one: Tensor, _ other: Tensor) -> Tensor {
    one.matmul(other.transposed()).squared().mean()
  }

  private func positionProducts(_ maps: Tensor) -> Tensor { maps.transposed().matmul(maps) / Double(maps.shape[1]) }
}
