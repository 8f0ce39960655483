// Layers of one input and one output, and rows of them: `torch.nn.Sequential`.

/// A layer that makes one tensor of another.
public protocol Layer: Module {
  /// The layer's output.
  func callAsFunction(_ input: Tensor) -> Tensor
}

extension Convolution: Layer {}
extension BatchNorm: Layer {}
extension Linear: Layer {}

/// Layers in a row as a module of its own, `torch.nn.Sequential`.
public final class Sequential: Module, Layer {
  /// From input to output.
  public let layers: [any Layer]

  /// These, one after the other.
  public init(_ layers: [any Layer]) { self.layers = layers }

  public override var entryNames: [String: String] { ["layers": ""] }

  public func callAsFunction(_ input: Tensor) -> Tensor { layers(input) }
}

extension [any Layer] {
  /// One layer after the other. Entries are named by their places, as in PyTorch's `Sequential`.
  public func callAsFunction(_ input: Tensor) -> Tensor { reduce(input) { $1($0) } }
}
