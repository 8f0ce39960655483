// Normalisation of each input by itself, over its last axes.

/// Brings the last axes of each input to mean 0 and variance 1, `torch.nn.LayerNorm`: in training as in evaluation.
///
/// Initialised as PyTorch does: scale 1, shift 0.
public final class LayerNorm: Module, Layer {
  /// The scale of each element, trained; nil for none.
  public let weight: Tensor?
  /// The shift of each element, trained; nil for none.
  public let bias: Tensor?
  /// The lengths of the last axes, such as those of a vector's channels or of a whole map.
  public let normalizedShape: [Int]
  /// Added to the variance before its root is taken.
  public let epsilon: Double

  /// - Parameters:
  ///   - normalizedShape: the lengths of the last axes.
  ///   - epsilon: added to the variance before its root is taken.
  ///   - elementwiseAffine: whether there is a scale for each element.
  ///   - bias: whether there is a shift beside the scale.
  public init(_ normalizedShape: [Int], epsilon: Double = 1e-5, elementwiseAffine: Bool = true, bias: Bool = true) {
    self.normalizedShape = normalizedShape
    self.epsilon = epsilon
    weight = elementwiseAffine ? .ones(normalizedShape) : nil
    self.bias = elementwiseAffine && bias ? .zeros(normalizedShape) : nil
    weight?.requiresGradient = true
    self.bias?.requiresGradient = true
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.layerNormalized(normalizedShape, weight: weight, bias: bias, epsilon: epsilon)
  }
}
