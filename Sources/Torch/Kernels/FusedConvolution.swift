// A frozen convolution made ready for speed: batch norm folded in, weights packed, what follows done in the same pass.

import CTorch

/// What a batch norm in evaluation mode computes with, each of as many channels.
package struct BatchNormParameters {
  package let weight: Tensor
  package let bias: Tensor
  package let mean: Tensor
  package let variance: Tensor
  package let epsilon: Double

  package init(weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Double) {
    self.weight = weight
    self.bias = bias
    self.mean = mean
    self.variance = variance
    self.epsilon = epsilon
  }
}

/// convolution -> folded batch norm -> (+ residual) -> (clamping) as one oneDNN operation on the CPU, in float32 or
/// autocast's bfloat16 and channels-last; as the plain operations with the folded weights elsewhere.
package final class FusedConvolution {
  package let weight: Tensor
  package let bias: Tensor
  let options: ConvolutionOptions
  private var packed: Packed?

  /// Weights as oneDNN wants them, for inputs of one type.
  private struct Packed {
    let dtype: DType
    let weight: Tensor
    let bias: Tensor
  }

  /// Folds `norm` into the weights: w' = w s, b' = (b - mean) s + shift, with s = scale / sqrt(variance + epsilon).
  package init(weight: Tensor, bias: Tensor?, norm: BatchNormParameters?, _ options: ConvolutionOptions) {
    self.options = options
    (self.weight, self.bias) = withoutGradients {
      let bias = bias?.detached() ?? .zeros([weight.shape[0]], device: weight.device)
      guard let norm else { return (weight.detached(), bias) }
      let scale = norm.weight / (norm.variance + norm.epsilon).sqrt()
      return (weight.detached() * scale.reshaped([-1, 1, 1, 1]), (bias - norm.mean) * scale + norm.bias)
    }
  }

  /// - Parameters:
  ///   - input: what is convolved.
  ///   - residual: added before the clamping; its memory is reused for the result.
  ///   - range: what the results are clamped to, 0 to infinity for a ReLU; after a sum nothing else.
  package func callAsFunction(_ input: Tensor, adding residual: Tensor?, range: ClosedRange<Double>?) -> Tensor {
    // These operations are not among those that autocast knows.
    let input = input.device == .cpu ? input.to(autocastDType) : input
    guard input.device == .cpu, FusedConvolution.isOffered(input.dtype) else {
      return plain(input, adding: residual, range: range)
    }
    let packed = packed(for: input)
    guard let residual else {
      return adopt(
        ct_onednn_convolution(input.handle, packed.weight.handle, packed.bias.handle, options.c, range.c),
        "convolution", [input, weight])
    }
    check(
      ct_onednn_convolution_sum(
        residual.handle, input.handle, packed.weight.handle, packed.bias.handle, options.c, range.c),
      "convolution", [input, weight, residual])
    return residual
  }

  /// oneDNN convolves bfloat16 only where the processor has the instructions to convert it.
  private static func isOffered(_ dtype: DType) -> Bool {
    dtype == .float32 || dtype == .bfloat16 && hasWideVectors
  }

  private static let hasWideVectors = Runtime.cpuCapability == "AVX512"

  private func plain(_ input: Tensor, adding residual: Tensor?, range: ClosedRange<Double>?) -> Tensor {
    var output = input.convolved(weight, bias: bias, options)
    if let residual { output = output + residual }
    switch range {
    case nil: return output
    case (0...(.infinity))?: output.reluInPlace()
    case let range?: output.clampInPlace(range)
    }
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

extension ClosedRange<Double>? {
  /// As libtorch takes it: from minus to plus infinity for no clamping.
  var c: ct_range { ct_range(lowest: self?.lowerBound ?? -.infinity, highest: self?.upperBound ?? .infinity) }
}
