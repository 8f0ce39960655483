// What networks are made of: convolution, normalisation, pooling, activations and the losses libtorch has.
// Images are N x C x H x W in shape, channels-last in memory where speed matters.

import CTorch

/// A length along each axis of an image; a single number is both.
public struct Size2D: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// From top to bottom.
  public var height: Int
  /// From left to right.
  public var width: Int

  /// Two lengths.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The same length along both.
  public init(_ side: Int) { self.init(height: side, width: side) }

  public init(integerLiteral side: Int) { self.init(side) }

  var c: ct_size { ct_size(height: Int64(height), width: Int64(width)) }
  var attribute: OperationAttribute { .ints([height, width]) }
}

/// A convolution's geometry.
public struct ConvolutionOptions: Sendable, Equatable {
  /// The step from one place of the kernel to the next.
  public var stride: Size2D
  /// Zeros added on each side.
  public var padding: Size2D
  /// The distance between neighbouring weights of the kernel.
  public var dilation: Size2D
  /// The groups into which channels are divided, each convolved by itself.
  public var groups: Int

  /// PyTorch's defaults where nothing else is given.
  public init(stride: Size2D = 1, padding: Size2D = 0, dilation: Size2D = 1, groups: Int = 1) {
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// The same along both axes of the image.
  public init(stride: Int, padding: Int = 0, dilation: Int = 1, groups: Int = 1) {
    self.init(stride: Size2D(stride), padding: Size2D(padding), dilation: Size2D(dilation), groups: groups)
  }

  var c: ct_convolution {
    ct_convolution(stride: stride.c, padding: padding.c, dilation: dilation.c, groups: Int64(groups))
  }

  var attributes: [String: OperationAttribute] {
    [
      "stride": stride.attribute, "padding": padding.attribute, "dilation": dilation.attribute, "groups": .int(groups),
    ]
  }
}

/// A pooling's window.
public struct Pooling: Sendable, Equatable {
  /// The window's size.
  public var kernel: Size2D
  /// The step from one place of the window to the next.
  public var stride: Size2D
  /// The places added on each side.
  public var padding: Size2D
  /// Whether a last window that the image only partly fills counts.
  public var roundsUp: Bool
  /// Whether an average counts the added places, as zeros.
  public var countsPadding: Bool

  /// PyTorch's defaults where nothing else is given; the stride is the kernel.
  public init(
    kernel: Size2D, stride: Size2D? = nil, padding: Size2D = 0, roundsUp: Bool = false, countsPadding: Bool = true
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.roundsUp = roundsUp
    self.countsPadding = countsPadding
  }

  var c: ct_pooling {
    ct_pooling(
      kernel: kernel.c, stride: stride.c, padding: padding.c, rounds_up: roundsUp, counts_padding: countsPadding)
  }

  var attributes: [String: OperationAttribute] {
    [
      "kernel_size": kernel.attribute, "stride": stride.attribute, "padding": padding.attribute,
      "ceil_mode": .int(roundsUp ? 1 : 0), "count_include_pad": .int(countsPadding ? 1 : 0),
    ]
  }
}

extension Tensor {
  /// `weight` is Cout x Cin/groups x K x K, `bias` Cout.
  public func convolved(_ weight: Tensor, bias: Tensor? = nil, _ options: ConvolutionOptions = .init()) -> Tensor {
    adopt(
      ct_conv2d(handle, weight.handle, bias?.handle, options.c), "conv2d", [self, weight] + [bias].compactMap { $0 },
      options.attributes)
  }

  /// self x weight^T + bias, for `weight` of shape outputs x inputs.
  public func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
    adopt(ct_linear(handle, weight.handle, bias?.handle), "linear", [self, weight] + [bias].compactMap { $0 })
  }

  /// Each element, or zero where it is negative.
  public func relu() -> Tensor { adopt(ct_relu(handle), "relu", [self]) }
  /// 1 / (1 + e^-x).
  public func sigmoid() -> Tensor { adopt(ct_sigmoid(handle), "sigmoid", [self]) }
  /// (e^x - e^-x) / (e^x + e^-x).
  public func tanh() -> Tensor { adopt(ct_tanh(handle), "tanh", [self]) }
  /// The error function.
  public func erf() -> Tensor { adopt(ct_erf(handle), "erf", [self]) }
  /// x times the normal distribution's share below x; by hyperbolic tangents an approximation of it.
  public func gelu(byTanh: Bool = false) -> Tensor {
    adopt(ct_gelu(handle, byTanh), "gelu", [self], ["approximate": .text(byTanh ? "tanh" : "none")])
  }
  /// x where it is positive, else alpha (e^x - 1).
  public func elu(alpha: Double = 1) -> Tensor { adopt(ct_elu(handle, alpha), "elu", [self]) }
  /// x where it is positive, else slope x.
  public func leakyReLU(slope: Double = 0.01) -> Tensor { adopt(ct_leaky_relu(handle, slope), "leaky_relu", [self]) }
  /// x times (x + 3) / 6, that brought between 0 and 1.
  public func hardswish() -> Tensor { adopt(ct_hardswish(handle), "hardswish", [self]) }
  /// ln(1 + e^x), without overflow.
  public func softplus() -> Tensor { adopt(ct_softplus(handle), "softplus", [self]) }
  /// The last axes, as many as `shape` has, brought to mean 0 and variance 1, then scaled by `weight` and, where there is
  /// one, shifted by `bias`; both of that shape.
  public func layerNormalized(_ shape: [Int], weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) -> Tensor {
    precondition(weight != nil || bias == nil, "a shift without a scale")
    return withInts(shape) {
      adopt(
        ct_layer_norm(handle, $0, weight?.handle, bias?.handle, epsilon), "layer_norm",
        [self] + [weight, bias].compactMap { $0 }, ["normalized_shape": .ints(shape), "eps": .number(epsilon)])
    }
  }
  /// Channels in `groups` groups, each brought to mean 0 and variance 1 for each input; then each channel scaled by `weight`
  /// and, where there is one, shifted by `bias`.
  public func groupNormalized(_ groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5) -> Tensor {
    precondition(weight != nil || bias == nil, "a shift without a scale")
    return adopt(
      ct_group_norm(handle, Int64(groups), weight?.handle, bias?.handle, epsilon), "group_norm",
      [self] + [weight, bias].compactMap { $0 }, ["num_groups": .int(groups), "eps": .number(epsilon)])
  }
  /// Probabilities along an axis: e^x over the sum of them.
  public func softmax(_ axis: Int) -> Tensor { adopt(ct_softmax(handle, Int64(axis)), "softmax", [self]) }
  /// The logarithm of `softmax`, without overflow.
  public func logSoftmax(_ axis: Int) -> Tensor { adopt(ct_log_softmax(handle, Int64(axis)), "log_softmax", [self]) }

  /// The largest element of each window of `kernel` x `kernel`; the stride is the kernel unless given.
  public func maxPooled(_ kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    maxPooled(Pooling(kernel: Size2D(kernel), stride: stride.map { Size2D($0) }, padding: Size2D(padding)))
  }

  /// The largest element of each window.
  public func maxPooled(_ pooling: Pooling) -> Tensor {
    adopt(ct_max_pool2d(handle, pooling.c), "max_pool2d", [self], pooling.attributes)
  }

  /// The mean of each window of `kernel` x `kernel`; the stride is the kernel unless given.
  public func averagePooled(_ kernel: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    averagePooled(Pooling(kernel: Size2D(kernel), stride: stride.map { Size2D($0) }, padding: Size2D(padding)))
  }

  /// The mean of each window.
  public func averagePooled(_ pooling: Pooling) -> Tensor {
    adopt(ct_average_pool2d(handle, pooling.c), "avg_pool2d", [self], pooling.attributes)
  }

  /// Channels in another order: as many groups of them, a channel of each in turn.
  public func channelsShuffled(groups: Int) -> Tensor {
    adopt(ct_channel_shuffle(handle, Int64(groups)), "channel_shuffle", [self], ["groups": .int(groups)])
  }

  /// Averages over cells so that the image becomes `height` x `width`.
  public func averagePooled(toHeight height: Int, width: Int) -> Tensor {
    adopt(
      ct_adaptive_average_pool2d(handle, Int64(height), Int64(width)), "adaptive_avg_pool2d", [self],
      ["output_size": .ints([height, width])])
  }

  /// Resizes images: bilinear with half-pixel centres, or nearest.
  public func interpolated(height: Int, width: Int, bilinear: Bool = true) -> Tensor {
    adopt(ct_interpolate(handle, Int64(height), Int64(width), bilinear), "interpolate", [self])
  }

  /// Cross-entropy of logits (N x classes) with labels (N, int64): the mean over the batch, or the sum. An input of label
  /// -1 has none and counts for nothing. A smoothing is the share of each target that all classes have in equal parts.
  public func crossEntropy(labels: Tensor, mean: Bool = true, labelSmoothing: Double = 0) -> Tensor {
    adopt(ct_cross_entropy(handle, labels.handle, mean, labelSmoothing), "cross_entropy", [self, labels])
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
