// A frozen convolution made ready for speed: batch norm folded in, weights packed, what follows done in the same pass.

import CTorch

/// convolution -> folded batch norm -> (+ residual) -> (ReLU) as one oneDNN operation on the CPU, in float32 or
/// autocast's bfloat16 and channels-last; as the plain operations with the folded weights elsewhere.
final class FusedConvolution {
  let weight: Tensor
  let bias: Tensor
  let options: ConvolutionOptions
  private var packed: Packed?

  /// Weights as oneDNN wants them, for inputs of one type.
  private struct Packed {
    let dtype: DType
    let weight: Tensor
    let bias: Tensor
  }

  /// Folds `norm`'s running statistics into the weights: w' = w s, b' = (b - mean) s + shift, with
  /// s = scale / sqrt(variance + epsilon).
  init(_ convolution: Convolution, _ norm: BatchNorm?) {
    options = convolution.options
    (weight, bias) = withoutGradients {
      let zeros = Tensor.zeros([convolution.weight.shape[0]], device: convolution.weight.device)
      let bias = convolution.bias?.detached() ?? zeros
      guard let norm else { return (convolution.weight.detached(), bias) }
      let scale = norm.weight.detached() / (norm.runningVariance + norm.epsilon).sqrt()
      return (
        convolution.weight.detached() * scale.reshaped([-1, 1, 1, 1]),
        (bias - norm.runningMean) * scale + norm.bias.detached()
      )
    }
  }

  /// - Parameter residual: added before the ReLU; its memory is reused for the result.
  func callAsFunction(_ input: Tensor, adding residual: Tensor?, relu: Bool) -> Tensor {
    // These operations are not among those that autocast knows.
    let input = input.device == .cpu ? input.to(autocastDType) : input
    guard input.device == .cpu, FusedConvolution.isOffered(input.dtype) else {
      return plain(input, adding: residual, relu: relu)
    }
    let packed = packed(for: input)
    guard let residual else {
      return adopt(
        ct_onednn_convolution(input.handle, packed.weight.handle, packed.bias.handle, options.c, relu), "convolution",
        [input, weight])
    }
    check(
      ct_onednn_convolution_sum(
        residual.handle, input.handle, packed.weight.handle, packed.bias.handle, options.c, relu),
      "convolution", [input, weight, residual])
    return residual
  }

  /// oneDNN convolves bfloat16 only where the processor has the instructions to convert it.
  private static func isOffered(_ dtype: DType) -> Bool {
    dtype == .float32 || dtype == .bfloat16 && hasWideVectors
  }

  private static let hasWideVectors = Runtime.cpuCapability == "AVX512"

  private func plain(_ input: Tensor, adding residual: Tensor?, relu: Bool) -> Tensor {
    var output = input.convolved(weight, bias: bias, options)
    if let residual { output = output + residual }
    if relu { output.reluInPlace() }
    return output
  }

  private func packed(for input: Tensor) -> Packed {
    if let packed, packed.dtype == input.dtype { return packed }
    let weight = self.weight.to(input.dtype)
    let made = Packed(
      dtype: input.dtype,
      weight: withInts(input.shape) {
        adopt(ct_onednn_pack_weight(weight.handle, options.c, $0), "pack_weight", [weight])
      },
      bias: bias.to(input.dtype))
    packed = made
    return made
  }
}
