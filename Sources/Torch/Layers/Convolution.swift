// The convolution layer.

/// A convolution over images (N x Cin x H x W to N x Cout x H' x W'), `torch.nn.Conv2d`.
///
/// Initialised as PyTorch does by default: weights and biases uniform in +-1/sqrt(fan in).
public final class Convolution: Module {
  /// Cout x Cin/groups x K x K.
  public let weight: Tensor
  /// Cout, where the layer has one.
  public let bias: Tensor?
  /// Its stride, padding, dilation and groups.
  public let options: ConvolutionOptions
  /// The side K of its kernel.
  public let kernel: Int

  /// A layer of random weights, drawn from `generator`, on the CPU.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, _ options: ConvolutionOptions = .init(), bias hasBias: Bool = true,
    generator: Generator
  ) {
    let fanIn = inputs / options.groups * kernel * kernel
    weight = generator.defaultWeight([outputs, inputs / options.groups, kernel, kernel], fanIn: fanIn)
    bias = hasBias ? generator.defaultBias(outputs, fanIn: fanIn) : nil
    weight.requiresGradient = true
    bias?.requiresGradient = true
    self.options = options
    self.kernel = kernel
  }

  /// The convolution of a batch of images.
  public func callAsFunction(_ input: Tensor) -> Tensor { input.convolved(weight, bias: bias, options) }
}
