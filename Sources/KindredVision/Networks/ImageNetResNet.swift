// Residual networks for photographs.

import Graph
import Kindred
import Torch

/// The ImageNet ResNets: He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, table 1, with the stride of a
/// bottleneck on its 3 x 3 convolution.
///
/// Parameter names, structure and initialisation are those of torchvision's `models/resnet.py`, whose weights can be loaded.
/// `stem` is the first convolution's output after its ReLU and before the max pooling; `stage1` to `stage4` are the outputs
/// of `layer1` to `layer4` after their last ReLU, `stage1.pre` and so on the sums before it; `stage4` is `last`. Initialised
/// as there: convolutions normal with variance 2 / (K K Cout), the linear layer as by PyTorch.
public final class ImageNetResNet: Network {
  let conv1: Convolution
  let bn1: BatchNorm
  let layer1: [any Layer]
  let layer2: [any Layer]
  let layer3: [any Layer]
  let layer4: [any Layer]
  let fc: Linear

  /// - Parameters:
  ///   - blocks: in each of the four stages.
  ///   - hasBottlenecks: whether a block is a bottleneck of three convolutions rather than two of 3 x 3.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(blocks: [Int], hasBottlenecks: Bool, inputChannels: Int = 3, classes: Int, generator: Generator) {
    let expansion = hasBottlenecks ? Bottleneck.expansion : 1
    func stage(_ inputs: Int, _ channels: Int, _ blocks: Int, stride: Int = 2) -> [any Layer] {
      guard hasBottlenecks else {
        return ResidualBlock.stage(inputs, channels, blocks: blocks, stride: stride, generator: generator)
      }
      return Bottleneck.stage(
        inputs, middle: channels, blocks: blocks, stride: stride, shortcutName: "downsample", generator: generator)
    }
    conv1 = Convolution(unbiased: inputChannels, 64, kernel: 7, stride: 2, generator)
    bn1 = BatchNorm(64)
    layer1 = stage(64, 64, blocks[0], stride: 1)
    layer2 = stage(64 * expansion, 128, blocks[1])
    layer3 = stage(128 * expansion, 256, blocks[2])
    layer4 = stage(256 * expansion, 512, blocks[3])
    fc = Linear(512 * expansion, classes, generator: generator)
    super.init()
    initializeConvolutions(generator)
  }

  public override var classifier: Linear? { fc }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = bn1(conv1(input)).relu()
    taps[TapName.stem] = output
    output = output.maxPooled(3, stride: 2, padding: 1)
    for (index, stage) in [layer1, layer2, layer3, layer4].enumerated() {
      output = taps.run(stage: index + 1, stage, on: output)
    }
    return fc(taps.pool(last: output))
  }
}

extension NetworkFamily {
  /// By blocks in each stage, and whether they are bottlenecks.
  static let imageNetResNet = NetworkFamily(
    title: "ResNet for photographs", source: "He et al., CVPR 2016; torchvision, models/resnet.py", imageSize: 224,
    members: [
      "resnet18": ([2, 2, 2, 2], false), "resnet34": ([3, 4, 6, 3], false), "resnet50": ([3, 4, 6, 3], true),
    ]
  ) { (member: (blocks: [Int], hasBottlenecks: Bool), classes, inputChannels, generator) in
    ImageNetResNet(
      blocks: member.blocks, hasBottlenecks: member.hasBottlenecks, inputChannels: inputChannels, classes: classes,
      generator: generator)
  }
}
