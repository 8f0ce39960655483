// Attention transfer, by maps.

import Torch

/// AT: Zagoruyko & Komodakis, *Paying More Attention to Attention*, ICLR 2017, activation-based with p = 2.
///
/// The attention map of an activation (b x C x H x W) is the mean over channels of its squares, flattened and divided
/// by its L2 norm. The loss is the sum over layer pairs of the mean squared difference of maps. The larger of two
/// activations of different size is average-pooled to the smaller first. Agrees with `distiller_zoo/AT.py` of
/// HobbitLong/RepDistiller, where all three stages are used.
public struct AttentionTransfer: DistillationLoss {
  /// A layer pair and the side lengths of both maps.
  public struct Pair: Sendable, Hashable {
    public let layers: LayerPair
    public let studentSize: Int
    public let teacherSize: Int

    public init(_ layers: LayerPair, studentSize: Int, teacherSize: Int) {
      self.layers = layers
      self.studentSize = studentSize
      self.teacherSize = teacherSize
    }

    fileprivate var need: TeacherNeed {
      .attention(layers.teacher, size: teacherSize > studentSize ? studentSize : nil)
    }

    fileprivate var pooledStudentSize: Int? { studentSize > teacherSize ? teacherSize : nil }
  }

  public let name = "at"
  public let pairs: [Pair]

  public init(_ pairs: [Pair]) { self.pairs = pairs }

  public var teacherNeeds: Set<TeacherNeed> { Set(pairs.map(\.need)) }
  public var studentRequest: ActivationRequest { ActivationRequest(taps: Set(pairs.map(\.layers.student))) }

  public func callAsFunction(_ student: Activations, _ teacher: TeacherOutput) -> Tensor {
    total(
      pairs.map { pair in
        attentionMap(student.tap(pair.layers.student), pooledTo: pair.pooledStudentSize)
          .meanSquaredError(teacher[pair.need])
      })
  }
}

/// The normalised attention map (b x H W) of an activation (b x C x H x W).
public func attentionMap(_ activation: Tensor, pooledTo size: Int? = nil) -> Tensor {
  let pooled = size.map { activation.averagePooled(toHeight: $0, width: $0) } ?? activation
  let wide = pooled.dtype == .float64 ? pooled : pooled.to(.float32)
  let map = wide.squared().mean([1]).flattened(from: 1)
  return map / map.norm([1], keepingAxes: true).clamped(minimum: 1e-12)
}
