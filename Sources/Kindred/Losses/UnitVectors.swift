// Vectors brought to length 1, as several methods compare directions.

import Torch

extension Tensor {
  /// Each vector along an axis divided by its L2 norm. One of zeros stays zero and takes no gradient.
  func unitVectors(along axis: Int) -> Tensor {
    let norm = norm([axis], keepingAxes: true)
    let endless = Tensor.full([1], .infinity, dtype: norm.dtype, device: norm.device)
    return self / Tensor.where(norm.greater(than: 1e-12), norm, endless)
  }
}
