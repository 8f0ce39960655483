// Attention transfer, by maps.

import Torch

/// AT: Zagoruyko & Komodakis, *Paying More Attention to Attention*, ICLR 2017, activation-based with p = 2.
///
/// The attention map of an activation (b x C x H x W) is the mean over channels of its squares, flattened and divided
/// by its L2 norm. The loss is the sum over layer pairs of the mean squared difference of maps. The larger of two
/// activations of different size is average-pooled to the smaller first. Agrees with `distiller_zoo/AT.py` of
/// HobbitLong/RepDistiller, where all stages are used.
public struct AttentionTransfer: Method {
  public static let card = MethodCard(
    name: "at", paper: "Zagoruyko & Komodakis, ICLR 2017",
    formula: """
      a: the mean over channels of A^2, flattened and divided by its L2 norm
      mean((a_t - a_s)^2), the sum over layer pairs
      """,
    agreesWith: "distiller_zoo/AT.py of HobbitLong/RepDistiller", compares: "activations, square maps",
    records: "a map of h w numbers an input and layer pair", weight: nil, publishedWeight: "1000")
  public static let settings = [
    Setting.layers(\AttentionTransfer.layers, "what is compared: taps that give square maps")
  ]

  public static let usualLayers: UsualLayers? = .allStages

  public var layers: [LayerPair] = []

  /// Compares all stages of the networks that `loss(for:)` is given.
  public init() {}

  /// Compares these layers, in their order.
  public init(_ layers: [LayerPair]) { self.layers = layers }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    AttentionTransferLoss(
      try setup.resolved(self).layers.map { pair in
        let maps = try setup.maps(pair, name)
        return AttentionTransferLoss.Pair(pair, studentSize: maps.student.size, teacherSize: maps.teacher.size)
      })
  }
}

/// Attention transfer between maps of known sizes.
public struct AttentionTransferLoss: DistillationLoss {
  /// A layer pair and the side lengths of both maps.
  public struct Pair: Sendable, Hashable {
    /// What is compared.
    public let layers: LayerPair
    /// The side length of the student's map.
    public let studentSize: Int
    /// The side length of the teacher's map.
    public let teacherSize: Int

    /// A layer pair, with the side lengths of its maps.
    public init(_ layers: LayerPair, studentSize: Int, teacherSize: Int) {
      self.layers = layers
      self.studentSize = studentSize
      self.teacherSize = teacherSize
    }

    fileprivate var statistic: TeacherStatistic {
      .attention(layers.teacher, size: teacherSize > studentSize ? studentSize : nil)
    }

    fileprivate var pooledStudentSize: Int? { studentSize > teacherSize ? teacherSize : nil }
  }

  /// What is compared.
  public let pairs: [Pair]

  /// Compares these pairs.
  public init(_ pairs: [Pair]) { self.pairs = pairs }

  public var statistics: Set<TeacherStatistic> { Set(pairs.map(\.statistic)) }
  public var request: ActivationRequest { ActivationRequest(taps: Set(pairs.map(\.layers.student))) }

  public func callAsFunction(_ step: Step) -> Tensor {
    total(
      pairs.map { pair in
        attentionMap(step.student.tap(pair.layers.student), pooledTo: pair.pooledStudentSize)
          .meanSquaredError(step.teacher[pair.statistic])
      })
  }
}

extension TeacherStatistic {
  /// The normalised attention map of an activation, b x (H W); the activation pooled to `size` x `size` first, if given.
  public static func attention(_ tap: String, size: Int? = nil) -> TeacherStatistic {
    let name = "attention.\(tap)" + (size.map { ".\($0)" } ?? "")
    return TeacherStatistic(name, ActivationRequest(taps: [tap])) { batch, teacher in
      [batch, size.map { $0 * $0 } ?? (teacher.shape(of: tap) ?? []).dropFirst().reduce(1, *)]
    } compute: {
      attentionMap($0.tap(tap), pooledTo: size)
    }
  }
}

/// The normalised attention map (b x H W) of an activation (b x C x H x W).
public func attentionMap(_ activation: Tensor, pooledTo size: Int? = nil) -> Tensor {
  let pooled = size.map { activation.averagePooled(toHeight: $0, width: $0) } ?? activation
  let wide = pooled.dtype == .float64 ? pooled : pooled.to(.float32)
  let map = wide.meanSquare([1]).flattened(from: 1)
  return map / map.norm([1], keepingAxes: true).clamped(minimum: 1e-12)
}
