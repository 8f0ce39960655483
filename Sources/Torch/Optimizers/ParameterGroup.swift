// What an optimiser does alike for some parameters and otherwise for others.

/// Parameters of one learning rate and one weight decay: PyTorch's parameter group. An optimiser makes one fused call for
/// each.
public struct ParameterGroup {
  /// The tensors that are trained.
  public let parameters: [Tensor]
  /// What the optimiser's learning rate is multiplied by.
  public let rateFactor: Double
  /// As the optimiser has it.
  public let weightDecay: Double

  /// A group of these parameters.
  public init(_ parameters: [Tensor], rateFactor: Double = 1, weightDecay: Double = 0) {
    self.parameters = parameters
    self.rateFactor = rateFactor
    self.weightDecay = weightDecay
  }
}

/// Which parameters weights decay on.
public enum WeightDecayScope: String, Sendable, CaseIterable {
  case all
  /// All but biases and what has one axis, such as the scales of norms: timm's rule.
  case weights

  /// Whether a parameter decays, by its shape and its name in a state dictionary.
  public func includes(_ name: String, _ parameter: Tensor) -> Bool {
    self == .all || (parameter.shape.count > 1 && name != "bias" && !name.hasSuffix(".bias"))
  }
}
