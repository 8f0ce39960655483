// What brings a student's activation to the teacher's channels.

import Torch

/// A convolution without bias, then batch norm.
///
/// The kernel is 1 x 1, or 3 x 3 with stride 2 to a map of half the size. Initialised as by PyTorch.
final class Connector: Module {
  let conv: Convolution
  let bn: BatchNorm

  init(_ inputs: Int, _ outputs: Int, halving: Bool = false, generator: Generator) {
    conv = Convolution(
      inputs, outputs, kernel: halving ? 3 : 1, halving ? .init(stride: 2, padding: 1) : .init(), bias: false,
      generator: generator)
    bn = BatchNorm(outputs)
    super.init()
    move(to: .cpu)
  }

  func callAsFunction(_ activation: Tensor, relu: Bool = false) -> Tensor {
    let output = bn(conv(activation))
    // In place: going backwards does not need the norm's output again.
    if relu { output.reluInPlace() }
    return output
  }

  /// Draws the weights again, normal with variance 2 / (K K Cout).
  func drawByFanOut(_ generator: Generator) {
    let fanOut = Double(conv.kernel * conv.kernel * conv.weight.shape[0])
    generator.fillNormal(conv.weight, deviation: (2 / fanOut).squareRoot())
  }
}

/// The factor of a layer pair, counted from 0 of so many: 1 of the deepest, half as large of each one before.
func depthFactor(_ index: Int, of count: Int) -> Double { 1 / Double(1 << (count - 1 - index)) }
