// Layers of one input and one output, and rows of them: `torch.nn.Sequential`.

/// A layer that makes one tensor of another.
public protocol Layer: Module {
  /// The layer's output.
  func callAsFunction(_ input: Tensor) -> Tensor
}

extension Convolution: Layer {}
extension BatchNorm: Layer {}
extension Linear: Layer {}

/// Zero in place of what is negative, where it has a place of its own in a row of layers.
public final class ReLU: Module, Layer {
  public func callAsFunction(_ input: Tensor) -> Tensor { input.relu() }
}

/// What lies between 0 and 6, `torch.nn.ReLU6`.
public final class ReLU6: Module, Layer {
  public func callAsFunction(_ input: Tensor) -> Tensor { input.hardtanh(0...6) }
}

extension [Module] {
  /// One layer after the other. Entries are named by their places, as in PyTorch's `Sequential`.
  /// - Precondition: all are layers.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    reduce(input) { output, module in
      guard let layer = module as? any Layer else { preconditionFailure("\(type(of: module)) is no layer") }
      return layer(output)
    }
  }
}
