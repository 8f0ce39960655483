// How far a student's map is from the teacher's, for losses behind which convolutions follow.

import Torch

extension Tensor {
  /// The mean squared difference from a map of the same shape.
  ///
  /// `meanSquaredError` is the same, but its gradient is contiguous whatever the layout of the map (that of a `mean` over
  /// all is, too), and the convolutions and batch norms behind a channels-last map take longer for it.
  func meanSquaredDistance(to map: Tensor) -> Tensor { (self - map).meanSquare() }
}
