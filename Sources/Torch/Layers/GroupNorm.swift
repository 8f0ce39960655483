// Normalisation of each input by itself, over groups of channels.

/// Brings each group of an input's channels to mean 0 and variance 1, `torch.nn.GroupNorm`: in training as in evaluation.
///
/// Initialised as PyTorch does: scale 1, shift 0.
public final class GroupNorm: Module, Layer {
  /// The scale of each channel, trained; nil for none.
  public let weight: Tensor?
  /// The shift of each channel, trained; nil for none.
  public let bias: Tensor?
  /// How many groups the channels are in.
  public let groups: Int
  /// Added to the variance before its root is taken.
  public let epsilon: Double

  /// - Parameters:
  ///   - groups: how many the channels are in; their number is a multiple of it.
  ///   - channels: the length of axis 1.
  ///   - epsilon: added to the variance before its root is taken.
  ///   - affine: whether each channel has a scale and a shift.
  public init(_ groups: Int, _ channels: Int, epsilon: Double = 1e-5, affine: Bool = true) {
    precondition(groups > 0 && channels % groups == 0, "\(channels) channels in \(groups) groups")
    self.groups = groups
    self.epsilon = epsilon
    weight = affine ? .ones([channels]) : nil
    bias = affine ? .zeros([channels]) : nil
    weight?.requiresGradient = true
    bias?.requiresGradient = true
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.groupNormalized(groups, weight: weight, bias: bias, epsilon: epsilon)
  }
}
