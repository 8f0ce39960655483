// Convolutions in 8 bits against exact integer arithmetic: with scales that are powers of two nothing is rounded twice.

import Testing
import Torch

/// The largest weight there is on this processor.
private let largest = Int64(QuantizedConvolution.largestWeight)

/// A convolution with integer weights whose largest in each channel is the largest there is, so that their scales are 1 (2
/// for odd channels, which hold twice those weights).
private final class IntegerConvolution: Module {
  let conv: Convolution

  init(_ inputs: Int, _ outputs: Int, kernel: Int, _ options: ConvolutionOptions, seed: UInt64) {
    let generator = Generator(seed: seed)
    conv = Convolution(inputs, outputs, kernel: kernel, options, generator: generator)
    super.init()
    let size = inputs / options.groups * kernel * kernel
    let weights = (0..<outputs).flatMap { channel -> [Float] in
      let order = generator.permutation(Int(2 * largest + 1)).elements(as: Int64.self)
      let values = [Float(largest)] + (1..<size).map { Float(order[$0 % order.count] - largest) }
      return channel % 2 == 0 ? values : values.map { 2 * $0 }
    }
    let biases = (0..<outputs).map { Float(1000 * $0 - 1500) }
    withoutGradients {
      conv.weight.copyInPlace(Tensor(weights, shape: conv.weight.shape))
      conv.bias?.copyInPlace(Tensor(biases, shape: [outputs]))
    }
    freeze()
    move(to: .cpu)
    conv.fold()
  }

  /// What an exact computation gives, in float64.
  func exact(_ input: Tensor) -> Tensor {
    input.to(.float64).convolved(conv.weight.to(.float64), bias: conv.bias?.to(.float64), conv.options)
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
  @Test(arguments: shapes, [false, true])
  func convolutionIsTheIntegerOne(shape: Shape, relu: Bool) throws {
    let layer = IntegerConvolution(shape.inputs, shape.outputs, kernel: shape.kernel, shape.options, seed: 1)
    let sample = wholeNumbers([4, shape.inputs, 8, 8], upTo: 255, seed: 2)
    #expect(try layer.quantize { _ = layer.conv(sample, nil) } == QuantizationCount(quantized: 1, of: 1))
    for (count, size) in [(4, 8), (1, 8), (7, 12)] {
      let input = wholeNumbers([count, shape.inputs, size, size], upTo: 255, seed: 3)
      let expected = layer.exact(input)
      let output = withoutGradients { layer.conv(input, nil, relu: relu) }
      #expect(output.dtype == .float32)
      #expect(output.elements(as: Double.self) == (relu ? maximum(expected, 0) : expected).elements(as: Double.self))

      let residual = wholeNumbers(expected.shape, upTo: 9_000, seed: 4)
      let sum = expected + residual.to(.float64)
      let added = withoutGradients { layer.conv(input, nil, adding: residual.clone(), relu: relu) }
      #expect(added.elements(as: Double.self) == (relu ? maximum(sum, 0) : sum).elements(as: Double.self))
    }
  }

  /// Inputs are rounded to the steps of calibration, half a step upwards, and clamped at its largest input.
  @Test func inputsAreRoundedAndClamped() throws {
    let layer = IntegerConvolution(1, 1, kernel: 1, .init(), seed: 1)
    _ = try layer.quantize { _ = layer.conv(Tensor([0, 510] as [Float], shape: [1, 1, 1, 2]), nil) }
    let input = Tensor([0, 0.9, 1, 1.1, 3, 508.9, 510, 700, -4] as [Float], shape: [1, 1, 3, 3])
    let steps = [0, 0, 1, 1, 2, 254, 255, 255, 0].map { Double($0) }
    let output = withoutGradients { layer.conv(input.contiguous(.channelsLast), nil) }
    #expect(output.elements(as: Double.self) == steps.map { 2 * $0 * Double(largest) - 1500 })
  }

  /// Between two int8 layers the activation is uint8 in the steps of its reader.
  @Test func anInt8LayerHandsBytesToItsReader() throws {
    final class Pair: Module {
      let first = IntegerConvolution(4, 8, kernel: 3, .init(padding: 1), seed: 1)
      let second = IntegerConvolution(8, 4, kernel: 3, .init(padding: 1), seed: 2)

      func callAsFunction(_ input: Tensor) -> Tensor {
        second.conv(first.conv(input, nil, relu: true, feeding: second.conv), nil)
      }
    }
    let pair = Pair()
    let input = wholeNumbers([2, 4, 6, 6], upTo: 255, seed: 3)
    let hidden = maximum(pair.first.exact(input), 0)
    #expect(try pair.quantize { _ = pair(input) } == QuantizationCount(quantized: 2, of: 2))
    let scale = hidden.maximum().item / 255
    let between = withoutGradients { pair.first.conv(input, nil, relu: true, feeding: pair.second.conv) }
    #expect(between.dtype == .uint8)
    let bytes = asBytes(hidden, scale: scale)
    // A value that falls on half a step to within float32 may go either way.
    let differences = zip(between.elements(as: Double.self), bytes).map { abs($0 - $1) }
    #expect(differences.allSatisfy { $0 <= 1 } && differences.reduce(0, +) <= 2)
    let expected = pair.second.exact(Tensor(between.elements(as: Double.self), shape: hidden.shape) * scale)
    let output = withoutGradients { pair(input) }
    let error = (output.to(.float64) - expected).norm().item / expected.norm().item
    #expect(error < 1e-6)
  }

  @Test func whatCannotWorkInInt8StaysOrIsRefused() throws {
    let layer = IntegerConvolution(1, 1, kernel: 1, .init(), seed: 1)
    let input = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
    let before = layer.conv(input, nil).bytes()
    #expect(throws: QuantizationError.nothingToQuantize) {
      try layer.quantize { _ = layer.conv(Tensor([1, -1] as [Float], shape: [1, 1, 1, 2]), nil) }
    }
    #expect(throws: QuantizationError.nothingToQuantize) { try layer.quantize {} }
    for bad in [Float.nan, .infinity] {
      #expect(throws: QuantizationError.notFinite) {
        try layer.quantize { _ = layer.conv(Tensor([1, bad] as [Float], shape: [1, 1, 1, 2]), nil) }
      }
    }
    #expect(layer.conv(input, nil).bytes() == before)
  }
}
