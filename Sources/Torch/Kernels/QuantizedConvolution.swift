// A frozen convolution in 8 bits: what makes a teacher three times as fast, at a cost that has to be measured.

import CTorch

/// convolution -> folded batch norm -> (+ residual) -> (clamping) as one int8 oneDNN operation, channels-last.
///
/// Weights are int8, symmetric, with a scale for each output channel; seven bits of them where the processor has no VNNI.
/// Inputs are uint8 with zero point 0, since they come after a ReLU and are never negative; what exceeds the largest input
/// seen in calibration is clamped. Biases and residual sums stay float32: sums in uint8 saved 5 % of ResNet-32x4's time,
/// and after little training made the error of its last Gram matrix four times as large (0.22 instead of 0.06).
package final class QuantizedConvolution {
  /// What one step of the uint8 inputs stands for.
  package let inputScale: Double
  private let weight: Tensor
  private let weightScales: Tensor
  private let zeroPoints: Tensor
  private let bias: Tensor
  private let options: ConvolutionOptions
  private var packed: Tensor?

  /// The largest magnitude of a weight. Without instructions for it the processor adds two products in 16 bits, which hold
  /// no more than two times 255 times 64: what is beyond would be cut off in silence.
  package static let largestWeight: Double = ct_has_int8_products() ? 127 : 64

  /// - Parameter largestInput: is mapped to 255.
  package init(_ convolution: FusedConvolution, largestInput: Double) {
    bias = convolution.bias
    options = convolution.options
    inputScale = largestInput > 0 ? largestInput / 255 : 1
    // A channel whose weights are all zero has no scale of its own.
    weightScales =
      convolution.weight.abs().maximum([1, 2, 3]).clamped(minimum: 1e-12) / QuantizedConvolution.largestWeight
    weight = (convolution.weight / weightScales.reshaped([-1, 1, 1, 1])).rounded().to(.int8)
    zeroPoints = .zeros(weightScales.shape, dtype: .int32)
  }

  /// - Parameters:
  ///   - input: float32, or uint8 in steps of `inputScale`.
  ///   - residual: float32, added before the clamping; its memory is reused for the result.
  ///   - range: what the results are clamped to, 0 to infinity for a ReLU; after a sum nothing else.
  ///   - outputScale: the step of a uint8 result; without it, and with a residual, the result is float32.
  package func callAsFunction(
    _ input: Tensor, adding residual: Tensor?, range: ClosedRange<Double>?, outputScale: Double?
  ) -> Tensor {
    let input =
      input.dtype == .uint8 ? input : input.affine(scale: 1 / inputScale, shift: 0.5).truncatedToBytes()
    let packed = self.packed ?? pack(for: input)
    let layer = ct_int8_layer(
      packed: packed.handle, weight_scales: weightScales.handle, weight_zero_points: zeroPoints.handle,
      bias: bias.handle, input_scale: inputScale, options: options.c)
    guard let residual else {
      return adopt(
        ct_int8_convolution(input.handle, layer, outputScale ?? 0, range.c), "int8_convolution", [input, weight])
    }
    check(
      ct_int8_convolution_sum(residual.handle, input.handle, layer, range.c), "int8_convolution",
      [input, weight, residual])
    return residual
  }

  private func pack(for input: Tensor) -> Tensor {
    let packed = withInts(input.shape) {
      adopt(
        ct_int8_pack_weight(weight.handle, weightScales.handle, inputScale, options.c, $0), "int8_pack_weight", [weight]
      )
    }
    self.packed = packed
    return packed
  }
}

extension Tensor {
  /// Clamped to 0...255, in place, and cut off to uint8. By way of int16, whose conversions libtorch has vectorised: both
  /// together take half the time of the direct one.
  package func truncatedToBytes() -> Tensor {
    clampInPlace(0...255)
    return to(.int16).to(.uint8)
  }
}
