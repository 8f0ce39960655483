// Similarity-preserving distillation, the method that Kindred is named for.

import Torch

/// SP: Tung & Mori, *Similarity-Preserving Knowledge Distillation*, ICCV 2019, equations 1 to 4.
///
/// For activations A of shape b x ..., flattened to Q (b x n): the Gram matrix Q Q^T, each row divided by its L2 norm,
/// is G (b x b). The loss is the sum over layer pairs of ||G_teacher - G_student||^2 / b^2.
///
/// Agrees with `distiller_zoo/SP.py` of HobbitLong/RepDistiller, which the paper's author verified. Between 0 and 4/b:
/// it shrinks like 1/b, so that a weight belongs to a batch size (the paper's 3000 to b = 128).
public struct SimilarityPreserving: DistillationLoss {
  public let name = "sp"
  public let pairs: [LayerPair]

  /// - Parameter pairs: the paper and its benchmark use the last stage alone.
  public init(_ pairs: [LayerPair] = [LayerPair("stage3")]) { self.pairs = pairs }

  public var teacherNeeds: Set<TeacherNeed> { Set(pairs.map { .similarity($0.teacher) }) }
  public var studentRequest: ActivationRequest { ActivationRequest(taps: Set(pairs.map(\.student))) }

  public func callAsFunction(_ student: Activations, _ teacher: TeacherOutput) -> Tensor {
    total(
      pairs.map { pair in
        let difference = similarityMatrix(student.tap(pair.student)) - teacher[.similarity(pair.teacher)]
        return difference.squared().mean()
      })
  }
}

/// The row-normalised Gram matrix (b x b) of an activation whose first axis is the batch.
///
/// In float32 at least, since the product overflows in half precision. A row of zeros stays zero and takes no gradient:
/// divided by a tiny number instead, as PyTorch's `normalize` does, its gradient would be of the order of 1e12.
public func similarityMatrix(_ activation: Tensor) -> Tensor {
  // Not a precondition, whose words an optimised build leaves out.
  guard activation.shape.count >= 2, activation.shape[0] >= 2 else {
    fatalError(
      "similarities need a batch of at least two inputs: the only entry of a 1 x 1 matrix is 1 whatever the network says"
    )
  }
  let isWide = activation.dtype == .float32 || activation.dtype == .float64
  // The order in memory does not matter to a Gram matrix, so channels-last maps are flattened without a copy.
  let rows = (isWide ? activation : activation.to(.float32)).batchRows()
  let gram = rows.matmul(rows.transposed())
  let norm = gram.norm([1], keepingAxes: true)
  let endless = Tensor.full([1], .infinity, dtype: norm.dtype, device: norm.device)
  return gram / Tensor.select(norm.greater(than: 1e-12), norm, endless)
}

extension Tensor {
  /// b x n with the features in memory order, which teacher and student need not share.
  fileprivate func batchRows() -> Tensor {
    guard shape.count == 4, !isContiguous(), isContiguous(.channelsLast) else { return flattened(from: 1) }
    return permuted([0, 2, 3, 1]).flattened(from: 1)
  }
}
