// What networks are made of: convolution, normalisation, pooling, activations and the losses libtorch has.
// Images are N x C x H x W in shape, channels-last in memory where speed matters.

import CTorch

/// A convolution's geometry, the same along both axes of the image.
public struct ConvolutionOptions: Sendable, Equatable {
  /// The step from one place of the kernel to the next.
  public var stride: Int
  /// Zeros added on each side.
  public var padding: Int
  /// The distance between neighbouring weights of the kernel.
  public var dilation: Int
  /// The groups into which channels are divided, each convolved by itself.
  public var groups: Int

  /// PyTorch's defaults where nothing else is given.
  public init(stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1) {
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  var c: ct_convolution {
    ct_convolution(stride: Int64(stride), padding: Int64(padding), dilation: Int64(dilation), groups: Int64(groups))
  }
}

extension Tensor {
  /// `weight` is Cout x Cin/groups x K x K, `bias` Cout.
  public func convolved(_ weight: Tensor, bias: Tensor? = nil, _ options: ConvolutionOptions = .init()) -> Tensor {
    adopt(ct_conv2d(handle, weight.handle, bias?.handle, options.c), "conv2d", [self, weight])
  }

  /// self x weight^T + bias, for `weight` of shape outputs x inputs.
  public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
    adopt(ct_linear(handle, weight.handle, bias?.handle), "linear", [self, weight])
  }

  /// Each element, or zero where it is negative.
  public func relu() -> Tensor { adopt(ct_relu(handle), "relu", [self]) }
  /// 1 / (1 + e^-x).
  public func sigmoid() -> Tensor { adopt(ct_sigmoid(handle), "sigmoid", [self]) }
  /// ln(1 + e^x), without overflow.
  public func softplus() -> Tensor { adopt(ct_softplus(handle), "softplus", [self]) }
  /// Probabilities along an axis: e^x over the sum of them.
  public func softmax(_ axis: Int) -> Tensor { adopt(ct_softmax(handle, Int64(axis)), "softmax", [self]) }
  /// The logarithm of `softmax`, without overflow.
  public func logSoftmax(_ axis: Int) -> Tensor { adopt(ct_log_softmax(handle, Int64(axis)), "log_softmax", [self]) }

  /// The largest element of each window of `kernel` x `kernel`; the stride is the kernel unless given.
  public func maxPooled(_ kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    adopt(ct_max_pool2d(handle, Int64(kernel), Int64(stride ?? kernel), Int64(padding)), "max_pool2d", [self])
  }

  /// The mean of each window of `kernel` x `kernel`; the stride is the kernel unless given.
  public func averagePooled(_ kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    adopt(ct_average_pool2d(handle, Int64(kernel), Int64(stride ?? kernel), Int64(padding)), "avg_pool2d", [self])
  }

  /// Averages over cells so that the image becomes `height` x `width`.
  public func averagePooled(toHeight height: Int, width: Int) -> Tensor {
    adopt(ct_adaptive_average_pool2d(handle, Int64(height), Int64(width)), "adaptive_avg_pool2d", [self])
  }

  /// Resizes images: bilinear with half-pixel centres, or nearest.
  public func interpolated(height: Int, width: Int, bilinear: Bool = true) -> Tensor {
    adopt(ct_interpolate(handle, Int64(height), Int64(width), bilinear), "interpolate", [self])
  }

  /// Cross-entropy of logits (N x classes) with labels (N, int64): the mean over the batch, or the sum. An input of label
  /// -1 has none and counts for nothing.
  public func crossEntropy(labels: Tensor, mean: Bool = true) -> Tensor {
    adopt(ct_cross_entropy(handle, labels.handle, mean), "cross_entropy", [self, labels])
  }

  /// The mean of the squared differences.
  public func meanSquaredError(_ target: Tensor) -> Tensor {
    adopt(ct_mean_squared_error(handle, target.handle), "mse_loss", [self, target])
  }

  /// 0.5 d^2 where the difference |d| is below 1, else |d| - 0.5: the mean, or the sum.
  public func smoothL1(_ target: Tensor, mean: Bool = true) -> Tensor {
    adopt(ct_smooth_l1(handle, target.handle, mean), "smooth_l1_loss", [self, target])
  }

  /// sum(exp(target) * (target - self)) for logarithms of probabilities: KL(target || self), summed over all.
  ///
  /// A target of -infinity is a probability of 0 and adds 0, as it does with `torch.nn.functional.kl_div` of
  /// probabilities; that of logarithms gives NaN.
  public func klDivergence(logTarget: Tensor) -> Tensor {
    // Any finite logarithm whose exponential is 0: 0 * -infinity would not be a number.
    let target = logTarget.clamped(minimum: -1e4)
    return adopt(ct_kl_divergence(handle, target.handle), "kl_div", [self, logTarget])
  }
}
