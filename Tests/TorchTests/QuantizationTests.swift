// Convolutions in 8 bits against exact integer arithmetic: with scales that are powers of two nothing is rounded twice.

import Testing
import Torch

/// The largest weight there is on this processor.
private let largest = Int64(QuantizedConvolution.largestWeight)

/// A convolution with integer weights whose largest in each channel is the largest there is, so that their scales are 1 (2
/// for odd channels, which hold twice those weights).
private struct IntegerConvolution {
  let weight: Tensor
  let bias: Tensor
  let options: ConvolutionOptions

  init(_ inputs: Int, _ outputs: Int, kernel: Int, _ options: ConvolutionOptions, seed: UInt64) {
    let generator = Generator(seed: seed)
    let size = inputs / options.groups * kernel * kernel
    let weights = (0..<outputs).flatMap { channel -> [Float] in
      let order = generator.permutation(Int(2 * largest + 1)).elements(as: Int64.self)
      let values = [Float(largest)] + (1..<size).map { Float(order[$0 % order.count] - largest) }
      return channel % 2 == 0 ? values : values.map { 2 * $0 }
    }
    weight = Tensor(weights, shape: [outputs, inputs / options.groups, kernel, kernel]).contiguous(.channelsLast)
    bias = Tensor((0..<outputs).map { Float(1000 * $0 - 1500) }, shape: [outputs])
    self.options = options
  }

  var fused: FusedConvolution { FusedConvolution(weight: weight, bias: bias, norm: nil, options) }

  func int8(largestInput: Double) -> QuantizedConvolution { QuantizedConvolution(fused, largestInput: largestInput) }

  /// What an exact computation gives, in float64.
  func exact(_ input: Tensor) -> Tensor {
    input.to(.float64).convolved(weight.to(.float64), bias: bias.to(.float64), options)
  }
}

/// Whole numbers from 0 to `largest`, which occurs.
private func wholeNumbers(_ shape: [Int], upTo largest: Int, seed: UInt64) -> Tensor {
  let count = shape.reduce(1, *)
  let order = Generator(seed: seed).permutation(count).elements(as: Int64.self)
  return Tensor(order.map { Float(largest) - Float($0 % Int64(largest + 1)) }, shape: shape).contiguous(.channelsLast)
}

private func maximum(_ a: Tensor, _ least: Double) -> Tensor { a.clamped(minimum: least) }

/// Rounded to the nearest whole number, halves to even, and clamped to uint8.
private func asBytes(_ values: Tensor, scale: Double) -> [Double] {
  values.elements(as: Double.self).map { min(max(($0 / scale).rounded(.toNearestOrEven), 0), 255) }
}

@Suite struct QuantizationTests {
  struct Shape: Sendable {
    let inputs: Int
    let outputs: Int
    let kernel: Int
    var options = ConvolutionOptions()
  }

  static let shapes = [
    Shape(inputs: 16, outputs: 16, kernel: 3, options: .init(padding: 1)),
    Shape(inputs: 16, outputs: 32, kernel: 3, options: .init(stride: 2, padding: 1)),
    Shape(inputs: 32, outputs: 16, kernel: 1, options: .init(stride: 2)),
    Shape(inputs: 5, outputs: 7, kernel: 3, options: .init(padding: 1)),
    Shape(inputs: 8, outputs: 8, kernel: 3, options: .init(padding: 1, groups: 2)),
  ]

  /// Sums stay below 2^24, where float32 holds every whole number. Weights are packed for the first batch's shape and
  /// used for others.
  @Test(arguments: shapes, [nil, 0...Double.infinity, 0...6000])
  func convolutionIsTheIntegerOne(shape: Shape, range: ClosedRange<Double>?) throws {
    let integers = IntegerConvolution(shape.inputs, shape.outputs, kernel: shape.kernel, shape.options, seed: 1)
    let layer = integers.int8(largestInput: 255)
    func clamped(_ values: Tensor) -> [Double] {
      values.elements(as: Double.self).map { value in
        range.map { min(max(value, $0.lowerBound), $0.upperBound) } ?? value
      }
    }
    for (count, size) in [(4, 8), (1, 8), (7, 12)] {
      let input = wholeNumbers([count, shape.inputs, size, size], upTo: 255, seed: 3)
      let expected = integers.exact(input)
      let output = layer(input, adding: nil, range: range, outputScale: nil)
      #expect(output.dtype == .float32)
      #expect(output.elements(as: Double.self) == clamped(expected))

      // After a sum oneDNN has nothing but the ReLU.
      if range?.upperBound.isFinite == true { continue }
      let residual = wholeNumbers(expected.shape, upTo: 9_000, seed: 4)
      let sum = expected + residual.to(.float64)
      let added = layer(input, adding: residual.clone(), range: range, outputScale: nil)
      #expect(added.elements(as: Double.self) == clamped(sum))
    }
  }

  /// Inputs are rounded to the steps of calibration, half a step upwards, and clamped at its largest input.
  @Test func inputsAreRoundedAndClamped() throws {
    let layer = IntegerConvolution(1, 1, kernel: 1, .init(), seed: 1).int8(largestInput: 510)
    let input = Tensor([0, 0.9, 1, 1.1, 3, 508.9, 510, 700, -4] as [Float], shape: [1, 1, 3, 3])
    let steps = [0, 0, 1, 1, 2, 254, 255, 255, 0].map { Double($0) }
    let output = layer(input.contiguous(.channelsLast), adding: nil, range: nil, outputScale: nil)
    #expect(output.elements(as: Double.self) == steps.map { 2 * $0 * Double(largest) - 1500 })
  }

  /// Between two int8 layers the activation is uint8 in the steps of its reader.
  @Test func anInt8LayerHandsBytesToItsReader() throws {
    let first = IntegerConvolution(4, 8, kernel: 3, .init(padding: 1), seed: 1)
    let second = IntegerConvolution(8, 4, kernel: 3, .init(padding: 1), seed: 2)
    let input = wholeNumbers([2, 4, 6, 6], upTo: 255, seed: 3)
    let hidden = maximum(first.exact(input), 0)
    let reader = second.int8(largestInput: hidden.maximum().item)
    let between = first.int8(largestInput: 255)(
      input, adding: nil, range: 0...Double.infinity, outputScale: reader.inputScale)
    #expect(between.dtype == .uint8)
    let bytes = asBytes(hidden, scale: reader.inputScale)
    // A value that falls on half a step to within float32 may go either way.
    let differences = zip(between.elements(as: Double.self), bytes).map { abs($0 - $1) }
    #expect(differences.allSatisfy { $0 <= 1 } && differences.reduce(0, +) <= 2)
    let whole = Tensor(between.elements(as: Double.self), shape: hidden.shape)
    let expected = second.exact(whole * reader.inputScale)
    let output = reader(between, adding: nil, range: nil, outputScale: nil)
    let error = (output.to(.float64) - expected).norm().item / expected.norm().item
    #expect(error < 1e-6)
  }

  /// A fused convolution's results are clamped in the same pass.
  @Test(arguments: [nil, 0...Double.infinity, 0...6000, -100...50])
  func aFusedConvolutionClamps(range: ClosedRange<Double>?) {
    let layer = IntegerConvolution(4, 8, kernel: 3, .init(padding: 1), seed: 1)
    let input = wholeNumbers([2, 4, 6, 6], upTo: 9, seed: 3)
    let output = layer.fused(input, adding: nil, range: range).elements(as: Double.self)
    let expected = layer.exact(input).elements(as: Double.self)
    #expect(output == expected.map { value in range.map { min(max(value, $0.lowerBound), $0.upperBound) } ?? value })
  }
}
