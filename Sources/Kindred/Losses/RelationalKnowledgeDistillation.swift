// Relational knowledge distillation, by distances and angles between pooled vectors.

import Torch

/// RKD: Park, Kim, Lu & Cho, *Relational Knowledge Distillation*, CVPR 2019, section 3.
///
/// For pooled vectors f (b x d): D_ij = |f_i - f_j|, at least 1e-6 between two inputs, divided by its mean over all pairs;
/// e_ij = (f_j - f_i) / |f_j - f_i| and A_ijk = e_ij . e_ik. The loss is `distance` times the mean smooth L1 between the
/// networks' D (over b^2 entries) plus `angle` times that between their A (over b^3). Equal vectors have no direction: e
/// is zero there, without a gradient.
///
/// Agrees with `metric/loss.py` of lenscloth/RKD and `distiller_zoo/RKD.py` of HobbitLong/RepDistiller; distances are
/// taken from differences, where those use products, which lose the small ones. 25 and 50 are the benchmark's shares on
/// CIFAR-100; for metric learning the authors use 1 and 2.
public struct RelationalKnowledgeDistillation: Method, DistillationLoss {
  public static let card = MethodCard(
    name: "rkd", paper: "Park et al., CVPR 2019",
    formula: """
      D_ij = |f_i - f_j| over its mean, e_ij = (f_j - f_i) / |f_j - f_i|, A_ijk = e_ij . e_ik
      distance smoothL1(D_s, D_t) + angle smoothL1(A_s, A_t), means over all entries
      """,
    agreesWith: "metric/loss.py of lenscloth/RKD, distiller_zoo/RKD.py of HobbitLong/RepDistiller",
    compares: "pooled vectors", records: "the pooled vectors", weight: 1, loneInput: "one vector has no distances")
  public static let settings = [
    Setting.number("distance", \RelationalKnowledgeDistillation.distance, .notNegative, "the share of the distances"),
    Setting.number("angle", \RelationalKnowledgeDistillation.angle, .notNegative, "the share of the angles"),
  ]

  /// The share of the distances.
  public var distance = 25.0
  /// The share of the angles.
  public var angle = 50.0

  /// With the usual settings.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    _ = try setup.pooledWidths()
    guard distance > 0 || angle > 0 else {
      throw MethodError("distance and angle are both 0, which leaves no loss; give one of them a share")
    }
    return self
  }

  public var statistics: Set<TeacherStatistic> { [.pooled] }
  public var request: ActivationRequest { ActivationRequest(taps: [Activations.pooledName]) }
  public var reduction: BatchReduction { .relations }

  public func callAsFunction(_ step: Step) -> Tensor {
    let (student, teacher) = (step.student.tap(Activations.pooledName), step.teacher[.pooled])
    var terms: [Tensor] = []
    if distance > 0 { terms.append(relativeDistances(student).smoothL1(relativeDistances(teacher)) * distance) }
    if angle > 0 { terms.append(angleLoss(student, teacher) * angle) }
    return total(terms)
  }

  private func relativeDistances(_ rows: Tensor) -> Tensor {
    let count = rows.shape[0]
    let isOther = Tensor.eye(count, dtype: rows.dtype, device: rows.device).affine(scale: -1, shift: 1)
    let distances = rows.cdist(rows).clamped(minimum: 1e-6) * isOther
    return distances / distances.sum() * Double(count * (count - 1))
  }

  /// The angles at some of the inputs at a time: all b^3 of a large batch would not fit in memory.
  private func angleLoss(_ student: Tensor, _ teacher: Tensor) -> Tensor {
    let count = student.shape[0]
    let width = max(count, student.shape[1], teacher.shape[1])
    let sum = sumOverBlocks(student, rowBlocks(of: count, numbersEach: count * width)) { student, anchors, block in
      directions(student, from: anchors).gram().smoothL1(
        directions(teacher, from: teacher.narrowed(0, block)).gram(), mean: false)
    }
    return sum / Double(count * count * count)
  }

  /// Of length 1, from some of the rows to all: anchors x b x d. Their products are the cosines of the angles at the anchors.
  private func directions(_ rows: Tensor, from anchors: Tensor) -> Tensor {
    (rows.unsqueezed(0) - anchors.unsqueezed(1)).normalized([2])
  }
}
