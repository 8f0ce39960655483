// Sums, means, norms, extremes and orders. No axes means all of them.

import CTorch

extension Tensor {
  /// The sum over axes.
  public func sum(_ axes: [Int] = [], keepingAxes keep: Bool = false) -> Tensor {
    withInts(axes) { adopt(ct_sum(handle, $0, keep), "sum", [self]) }
  }

  /// The mean over axes.
  public func mean(_ axes: [Int] = [], keepingAxes keep: Bool = false) -> Tensor {
    withInts(axes) { adopt(ct_mean(handle, $0, keep), "mean", [self]) }
  }

  /// The mean over axes of the squares. The same as `squared().mean(axes)`, but its gradient is one product and has the
  /// tensor's own layout.
  public func meanSquare(_ axes: [Int] = []) -> Tensor {
    withInts(axes) { adopt(ct_mean_square(handle, $0), "mean_square", [self]) }
  }

  /// The L2 norm.
  public func norm(_ axes: [Int] = [], keepingAxes keep: Bool = false) -> Tensor {
    withInts(axes) { adopt(ct_norm(handle, $0, keep), "norm", [self]) }
  }

  /// The variance over axes, divided by one less than the count where it is `unbiased`.
  public func variance(_ axes: [Int] = [], keepingAxes keep: Bool = false, unbiased: Bool = true) -> Tensor {
    withInts(axes) { adopt(ct_variance(handle, $0, keep, unbiased), "var", [self]) }
  }

  /// ln(sum(e^x)), without overflow.
  public func logSumExp(_ axes: [Int], keepingAxes keep: Bool = false) -> Tensor {
    withInts(axes) { adopt(ct_log_sum_exp(handle, $0, keep), "logsumexp", [self]) }
  }

  /// The largest element over axes.
  public func maximum(_ axes: [Int] = [], keepingAxes keep: Bool = false) -> Tensor {
    withInts(axes) { adopt(ct_amax(handle, $0, keep), "amax", [self]) }
  }

  /// The smallest element over axes.
  public func minimum(_ axes: [Int] = [], keepingAxes keep: Bool = false) -> Tensor {
    withInts(axes) { adopt(ct_amin(handle, $0, keep), "amin", [self]) }
  }

  /// The index of the largest element along an axis.
  public func argmax(_ axis: Int) -> Tensor { adopt(ct_argmax(handle, Int64(axis)), "argmax", [self]) }

  /// The indices that sort an axis, stable.
  public func argsort(_ axis: Int = -1, descending: Bool = false) -> Tensor {
    adopt(ct_argsort(handle, Int64(axis), descending), "argsort", [self])
  }

  /// The indices of the `count` largest elements along an axis, largest first.
  public func topIndices(_ count: Int, axis: Int = -1) -> Tensor {
    adopt(ct_top_indices(handle, Int64(count), Int64(axis)), "topk", [self])
  }
}
