// Functions of each element that have a place of their own in a row of layers.

/// Zero in place of what is negative, `torch.nn.ReLU`.
public final class ReLU: Module, Layer {
  public func callAsFunction(_ input: Tensor) -> Tensor { input.relu() }
}

/// What lies between 0 and 6, `torch.nn.ReLU6`.
public final class ReLU6: Module, Layer {
  public func callAsFunction(_ input: Tensor) -> Tensor { input.hardtanh(0...6) }
}

/// x times its sigmoid, `torch.nn.SiLU`.
public final class SiLU: Module, Layer {
  public func callAsFunction(_ input: Tensor) -> Tensor { input * input.sigmoid() }
}

/// x times the normal distribution's share below x, `torch.nn.GELU`.
public final class GELU: Module, Layer {
  /// How that share is computed, under PyTorch's names.
  public enum Approximation: String, Sendable {
    /// Exactly.
    case none
    /// By a hyperbolic tangent.
    case tanh
  }

  /// How the share is computed.
  public let approximate: Approximation

  /// The exact one, unless something else is said.
  public init(approximate: Approximation = .none) { self.approximate = approximate }

  public func callAsFunction(_ input: Tensor) -> Tensor { input.gelu(byTanh: approximate == .tanh) }
}

/// The hyperbolic tangent, `torch.nn.Tanh`.
public final class Tanh: Module, Layer {
  public func callAsFunction(_ input: Tensor) -> Tensor { input.tanh() }
}
