// The steps in which values and weights are counted in 8 bits.

import Torch

/// The steps of a value: unsigned bytes, of which one is zero exactly.
struct ValueSteps: Equatable {
  let scale: Float
  let zeroPoint: UInt8

  /// The steps of values in a range. Zero is among them, and what is beyond is as good as its end.
  init(_ range: ClosedRange<Double>) {
    let (lowest, highest) = (min(range.lowerBound, 0), max(range.upperBound, 0))
    let scale = Float(max((highest - lowest) / 255, ValueSteps.leastScale))
    zeroPoint = UInt8((-lowest / Double(scale)).rounded().clamped(to: 0...255))
    // Rounded down, so that the largest byte stays within what a clipping allows.
    self.scale = Double(scale) * 255 > highest - lowest && highest > lowest ? scale.nextDown : scale
  }

  /// Whether saturating does what clamping to a range would.
  func saturate(to range: ClosedRange<Double>) -> Bool {
    let lowest = -Double(scale) * Double(zeroPoint)
    let highest = Double(scale) * (255 - Double(zeroPoint))
    return lowest >= range.lowerBound && highest <= range.upperBound
  }

  /// So small that the product of two is still a normal number.
  static let leastScale = Double(Float.leastNormalMagnitude.squareRoot())
}

/// A layer's weights and bias as whole numbers, with steps of its own for each output.
struct WeightSteps {
  /// The largest whole number that stands for a weight.
  ///
  /// Processors with AVX2 and without VNNI multiply a byte with a signed byte twice and add both products in 16 bits, in
  /// ONNX Runtime and elsewhere: 2 x 255 x 64 still fits there, 2 x 255 x 127 does not, and is cut off in silence. Of a
  /// trained ResNet-8 and WRN-16-2 such a processor gave logits that were off by 20 and 10 per cent with 127, and by 0.1 and
  /// 0.2 with 64; the finer steps moved the pooled vectors' Gram matrices by 1.7 and 1.1 per cent instead of 1.9 and 1.2.
  static let largest = 64.0

  let weight: Tensor
  let scale: Tensor
  let zeroPoint: Tensor
  /// In steps of the input's scale times the weights'.
  let bias: (numbers: Tensor, scale: Tensor)?

  /// - Parameters:
  ///   - axis: along which each place of the weights makes an output.
  ///   - inputScale: of what the layer reads.
  init(_ weight: Tensor, axis: Int, bias: Tensor?, inputScale: Float) {
    let weight = weight.detached().to(.float32)
    let others = weight.shape.indices.filter { $0 != axis }
    let bias = bias?.detached().to(.float64)
    var scales = weight.abs().maximum(others).to(.float64) / WeightSteps.largest
    // A bias that is large beside its weights must fit into 32 bits, too.
    if let bias { scales = scales.maximum(with: bias.abs() / (Double(inputScale) * Double(1 << 30))) }
    scales = scales.maximum(with: Tensor.full(scales.shape, ValueSteps.leastScale, dtype: .float64))
    let scale = scales.to(.float32)
    let sides = weight.shape.indices.map { $0 == axis ? weight.shape[axis] : 1 }
    let steps = (weight / scale.reshaped(sides)).rounded()
    steps.clampInPlace(-WeightSteps.largest...WeightSteps.largest)
    self.weight = steps.to(.int8)
    self.scale = scale
    zeroPoint = .zeros(scale.shape, dtype: .int8)
    self.bias = bias.map { bias in
      let biasScale = scale * Double(inputScale)
      return ((bias / biasScale.to(.float64)).rounded().to(.int32), biasScale)
    }
  }
}

extension Double {
  fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}

extension Tensor {
  /// The larger of two elements at each place.
  fileprivate func maximum(with other: Tensor) -> Tensor { other + (self - other).relu() }
}
