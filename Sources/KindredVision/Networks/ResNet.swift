// Residual networks for small images.

import Graph
import Kindred
import Torch

/// The CIFAR ResNets: He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, section 4.2, and the x4
/// variants of the distillation benchmarks.
///
/// Parameter names, structure, taps and initialisation are those of `models/resnet.py` in HobbitLong/RepDistiller. A
/// stage's tap is its output after the last ReLU, its pre-activation the last block's sum before that ReLU. Initialised
/// as there: convolutions normal with variance 2 / (K K Cout), the linear layer as by PyTorch.
public final class ResNet: Network {
  let conv1: Convolution
  let bn1: BatchNorm
  let layer1: [ResidualBlock]
  let layer2: [ResidualBlock]
  let layer3: [ResidualBlock]
  let fc: Linear

  /// - Parameters:
  ///   - depth: 6 n + 2 for n blocks in each of the three stages.
  ///   - channels: of the stem and of the three stages.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(depth: Int, channels: [Int], inputChannels: Int = 3, classes: Int, generator: Generator) {
    let blocks = (depth - 2) / 6
    conv1 = Convolution(inputChannels, channels[0], kernel: 3, .init(padding: 1), bias: false, generator: generator)
    bn1 = BatchNorm(channels[0])
    layer1 = ResidualBlock.stage(channels[0], channels[1], blocks: blocks, stride: 1, generator: generator)
    layer2 = ResidualBlock.stage(channels[1], channels[2], blocks: blocks, stride: 2, generator: generator)
    layer3 = ResidualBlock.stage(channels[2], channels[3], blocks: blocks, stride: 2, generator: generator)
    fc = Linear(channels[3], classes, generator: generator)
    super.init()
    initializeConvolutions(generator)
  }

  public override var classifier: Linear? { fc }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = bn1(conv1(input)).relu()
    taps[TapName.stem] = output
    for (index, stage) in [layer1, layer2, layer3].enumerated() {
      output = taps.run(stage: index + 1, stage, on: output)
    }
    return fc(taps.pool(last: output))
  }
}

/// Two 3 x 3 convolutions around which the input is added; the ReLU after the sum is the stage's.
final class ResidualBlock: Module, Layer {
  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  /// A 1 x 1 convolution and its batch norm, where the shape changes; empty elsewhere.
  let downsample: [any Layer]

  init(_ inputs: Int, _ outputs: Int, stride: Int, generator: Generator) {
    // The benchmark draws the shortcut's weights before the block's own.
    downsample =
      inputs == outputs && stride == 1
      ? []
      : [
        Convolution(inputs, outputs, kernel: 1, .init(stride: stride), bias: false, generator: generator),
        BatchNorm(outputs),
      ]
    conv1 = Convolution(
      inputs, outputs, kernel: 3, .init(stride: stride, padding: 1), bias: false, generator: generator)
    bn1 = BatchNorm(outputs)
    conv2 = Convolution(outputs, outputs, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    bn2 = BatchNorm(outputs)
  }

  static func stage(
    _ inputs: Int, _ outputs: Int, blocks: Int, stride: Int, generator: Generator
  ) -> [ResidualBlock] {
    (0..<blocks).map { index in
      ResidualBlock(index == 0 ? inputs : outputs, outputs, stride: index == 0 ? stride : 1, generator: generator)
    }
  }

  /// The sum, before its ReLU.
  func callAsFunction(_ input: Tensor) -> Tensor {
    let shortcut = downsample(input)
    return bn2(conv2(bn1(conv1(input)).relu())) + shortcut
  }
}

extension NetworkFamily {
  /// By depth, and channels of the stem and the stages.
  static let resNet = NetworkFamily(
    title: "ResNet for small images", source: "He et al., CVPR 2016; HobbitLong/RepDistiller, models/resnet.py",
    imageSize: 32, members: members
  ) { member, classes, inputChannels, generator in
    ResNet(
      depth: member.depth, channels: member.channels, inputChannels: inputChannels, classes: classes,
      generator: generator)
  }

  private static let members: KeyValuePairs<String, (depth: Int, channels: [Int])> = {
    let (narrow, wide) = ([16, 16, 32, 64], [32, 64, 128, 256])
    return [
      "resnet-8": (8, narrow), "resnet-14": (14, narrow), "resnet-20": (20, narrow), "resnet-32": (32, narrow),
      "resnet-44": (44, narrow), "resnet-56": (56, narrow), "resnet-110": (110, narrow), "resnet-8x4": (8, wide),
      "resnet-32x4": (32, wide),
    ]
  }()
}
