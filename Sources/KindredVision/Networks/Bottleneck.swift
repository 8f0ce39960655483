// The block of the deeper residual networks.

import Torch

/// A 1 x 1, a 3 x 3 and a 1 x 1 convolution around which the input is added; the ReLU after the sum is the stage's. The
/// stride is the middle one's.
final class Bottleneck: Module, Layer {
  /// How many times as many channels come out as the middle has.
  static let expansion = 4

  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  let conv3: Convolution
  let bn3: BatchNorm
  /// A 1 x 1 convolution and its batch norm, where the shape changes; empty elsewhere.
  let shortcut: [any Layer]
  private let shortcutName: String

  init(_ inputs: Int, middle: Int, stride: Int, shortcutName: String, generator: Generator) {
    let outputs = middle * Bottleneck.expansion
    conv1 = Convolution(unbiased: inputs, middle, generator)
    bn1 = BatchNorm(middle)
    conv2 = Convolution(unbiased: middle, middle, kernel: 3, stride: stride, generator)
    bn2 = BatchNorm(middle)
    conv3 = Convolution(unbiased: middle, outputs, generator)
    bn3 = BatchNorm(outputs)
    shortcut =
      inputs == outputs && stride == 1
      ? [] : [Convolution(unbiased: inputs, outputs, stride: stride, generator), BatchNorm(outputs)]
    self.shortcutName = shortcutName
  }

  static func stage(
    _ inputs: Int, middle: Int, blocks: Int, stride: Int, shortcutName: String, generator: Generator
  ) -> [Bottleneck] {
    (0..<blocks).map { index in
      Bottleneck(
        index == 0 ? inputs : middle * expansion, middle: middle, stride: index == 0 ? stride : 1,
        shortcutName: shortcutName, generator: generator)
    }
  }

  override var entryNames: [String: String] { ["shortcut": shortcutName] }

  /// The sum, before its ReLU.
  func callAsFunction(_ input: Tensor) -> Tensor {
    let own = bn3(conv3(bn2(conv2(bn1(conv1(input)).relu())).relu()))
    return own + shortcut(input)
  }
}
