// The convolution layer, alone or with the batch norm, residual sum and ReLU that follow it.

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

  /// What the layer has been turned into.
  private var form = Form.plain

  private enum Form {
    case plain
    /// Folded for good with the batch norm after it.
    case fused(FusedConvolution)
    /// The same, taking note of its inputs.
    case observed(FusedConvolution, InputRange)
    case quantized(QuantizedConvolution)
  }

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

  /// The convolution alone, whatever the layer was folded with.
  public func callAsFunction(_ input: Tensor) -> Tensor { input.convolved(weight, bias: bias, options) }

  /// convolution -> `norm` -> (+ `residual`) -> (ReLU): one fused operation once the layer is folded, else one by one.
  ///
  /// `residual` is not to be used afterwards, since a folded layer writes its result over it. `reader` is the only layer
  /// that uses the result, where there is just one: between two int8 layers the result is then uint8.
  public func callAsFunction(
    _ input: Tensor, _ norm: BatchNorm?, adding residual: Tensor? = nil, relu: Bool = false,
    feeding reader: Convolution? = nil
  ) -> Tensor {
    switch form {
    case .plain: return plain(input, norm, adding: residual, relu: relu)
    case .fused(let fused): return fused(input, adding: residual, relu: relu)
    case .observed(let fused, let range):
      range.include(input)
      return fused(input, adding: residual, relu: relu)
    case .quantized(let quantized):
      return quantized(input, adding: residual, relu: relu, outputScale: reader?.inputScale)
    }
  }

  private func plain(_ input: Tensor, _ norm: BatchNorm?, adding residual: Tensor?, relu: Bool) -> Tensor {
    var output = self(input)
    if let norm { output = norm(output) }
    // In place: neither convolution nor batch norm nor the sum needs its output again to go backwards.
    if let residual { output.addInPlace(residual) }
    if relu { output.reluInPlace() }
    return output
  }

  /// What a step of its uint8 inputs stands for, once it is an int8 layer.
  var inputScale: Double? {
    guard case .quantized(let quantized) = form else { return nil }
    return quantized.inputScale
  }

  /// Folds the batch norm that follows into a packed copy of the weights. Later changes of either have no effect.
  public func fold(_ norm: BatchNorm? = nil) { form = .fused(FusedConvolution(self, norm)) }

  /// Starts taking note of a folded layer's inputs.
  func observe() {
    if case .fused(let fused) = form { form = .observed(fused, InputRange()) }
  }

  /// The largest input since then; nil where an int8 layer could not hold what it saw.
  /// - Throws: `QuantizationError.notFinite`.
  var largestInput: Double? {
    get throws {
      guard case .observed(_, let range) = form else { return nil }
      return try range.largest
    }
  }

  /// Ends that. With a largest input the layer works in 8 bits from then on.
  func stopObserving(largestInput: Double? = nil) {
    guard case .observed(let fused, _) = form else { return }
    form = largestInput.map { .quantized(QuantizedConvolution(fused, largestInput: $0)) } ?? .fused(fused)
  }
}
