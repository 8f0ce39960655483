// What losses on relations share: centred and normalised vectors, and the matrices of which inputs are alike.

import Torch

extension Tensor {
  /// Each vector along the axes divided by its L2 norm plus `extra`.
  ///
  /// A vector of zeros stays zero and takes no gradient: divided by a tiny number instead, as PyTorch's `normalize`
  /// does, its gradient would be of the order of 1e12.
  func normalized(_ axes: [Int] = [1], extra: Double = 0) -> Tensor {
    let divisor = norm(axes, keepingAxes: true).threshold(1e-12, .infinity)
    return self / (extra == 0 ? divisor : divisor + extra)
  }

  /// Without its mean along an axis. A vector whose entries are all the same becomes zero, whatever rounding would leave
  /// of it.
  func centred(_ axis: Int) -> Tensor {
    // Without its first entry, which the mean takes back, such a vector is zero before there is a mean to round.
    let rest = self - detached().narrowed(axis, 0..<1)
    return rest - rest.mean([axis], keepingAxes: true)
  }

  /// Without its mean along an axis, and divided by the unbiased standard deviation there plus `extra`. A vector whose
  /// entries are all the same becomes zero and takes no gradient.
  func standardized(_ axis: Int = 1, extra: Double = 1e-7) -> Tensor {
    let root = Double(max(shape[axis] - 1, 1)).squareRoot()
    return centred(axis).normalized([axis], extra: extra * root) * root
  }

  /// b x n with the features in memory order, which teacher and student need not share.
  func batchRows() -> Tensor {
    // The order does not matter to a Gram matrix, so channels-last maps are flattened without a copy.
    guard shape.count == 4, !isContiguous(), isContiguous(.channelsLast) else { return flattened(from: 1) }
    return permuted([0, 2, 3, 1]).flattened(from: 1)
  }

  /// One number in the type and on the device of this tensor.
  func constant(_ value: Double) -> Tensor { .full([1], value, dtype: dtype, device: device) }
}

/// The cosines between the inputs' activations, b x b.
func cosines(_ activation: Tensor) -> Tensor { activation.batchRows().normalized().gram() }

extension TeacherStatistic {
  /// The cosines between the inputs' activations, b x b.
  static func cosines(_ tap: String) -> TeacherStatistic { relation("cosine", of: tap, compute: Kindred.cosines) }
}
