// The convolution layer, alone or with the batch norm, residual sum and ReLU that follow it.

/// A convolution over images (N x Cin x H x W to N x Cout x H' x W'), `torch.nn.Conv2d`.
///
/// Initialised as PyTorch does by default: weights and biases uniform in +-1/sqrt(fan in).
public final class Convolution: Module {
  /// Cout x Cin/groups x K x K.
  public let weight: Tensor
  /// Cout, where the layer has one.
  public let bias: Tensor?
  public let options: ConvolutionOptions
  public let kernel: Int

  /// Set once the layer is folded for good with the batch norm after it.
  private var fused: FusedConvolution?

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

  public func callAsFunction(_ input: Tensor) -> Tensor { input.convolved(weight, bias: bias, options) }

  /// convolution -> `norm` -> (+ `residual`) -> (ReLU): one fused operation once the layer is folded, else one by one.
  /// `residual` is not to be used afterwards, since a folded layer writes its result over it.
  public func callAsFunction(
    _ input: Tensor, _ norm: BatchNorm?, adding residual: Tensor? = nil, relu: Bool = false
  ) -> Tensor {
    if let fused { return fused(input, adding: residual, relu: relu) }
    var output = self(input)
    if let norm { output = norm(output) }
    if let residual { output = output + residual }
    // In place: neither batch norm nor the sum needs its output again to go backwards.
    if relu { output.reluInPlace() }
    return output
  }

  /// Folds the batch norm that follows into a packed copy of the weights. Later changes of either have no effect.
  public func fold(_ norm: BatchNorm? = nil) { fused = FusedConvolution(self, norm) }
}
