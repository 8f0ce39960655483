// The fully connected layer.

/// N x inputs to N x outputs, `torch.nn.Linear`.
///
/// Initialised as PyTorch does by default: weights and biases uniform in +-1/sqrt(inputs).
public final class Linear: Module {
  /// outputs x inputs.
  public let weight: Tensor
  /// outputs.
  public let bias: Tensor

  /// A layer of random weights, drawn from `generator`, on the CPU.
  public init(_ inputs: Int, _ outputs: Int, generator: Generator) {
    weight = generator.defaultWeight([outputs, inputs], fanIn: inputs)
    bias = generator.defaultBias(outputs, fanIn: inputs)
    weight.requiresGradient = true
    bias.requiresGradient = true
  }

  /// A layer of given parameters, outputs x inputs and outputs.
  package init(weight: Tensor, bias: Tensor) {
    self.weight = weight
    self.bias = bias
  }

  /// input x weight^T + bias.
  public func callAsFunction(_ input: Tensor) -> Tensor { input.linear(weight, bias: bias) }
}
