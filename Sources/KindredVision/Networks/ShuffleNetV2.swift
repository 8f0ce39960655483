// ShuffleNetV2 for photographs.

import Graph
import Kindred
import Torch

/// ShuffleNetV2: Ma et al., *ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design*, ECCV 2018.
///
/// Parameter names, structure and initialisation are those of torchvision's `models/shufflenetv2.py`, whose weights can be
/// loaded. `stem` is the output of `conv1` after its ReLU and before the max pooling; `stage1` to `stage3` are the outputs of
/// `stage2` to `stage4`, shuffled, halves of which passed their ReLUs at different depths. `stageN.pre` is before the ReLU of
/// the second half, and not shuffled: its channels are in another order. `last` is the output of `conv5` after its ReLU. Initialised as by PyTorch.
public final class ShuffleNetV2: Network {
  let conv1: [any Layer]
  let stage2: [ShuffleBlock]
  let stage3: [ShuffleBlock]
  let stage4: [ShuffleBlock]
  let conv5: [any Layer]
  let fc: Linear

  /// - Parameters:
  ///   - channels: of the three stages and of the last convolution.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(channels: [Int], inputChannels: Int = 3, classes: Int, generator: Generator) {
    func stage(_ inputs: Int, _ outputs: Int, blocks: Int) -> [ShuffleBlock] {
      (0..<blocks).map { ShuffleBlock($0 == 0 ? inputs : outputs, outputs, halves: $0 == 0, generator) }
    }
    conv1 = [Convolution(unbiased: inputChannels, 24, kernel: 3, stride: 2, generator), BatchNorm(24), ReLU()]
    stage2 = stage(24, channels[0], blocks: 4)
    stage3 = stage(channels[0], channels[1], blocks: 8)
    stage4 = stage(channels[1], channels[2], blocks: 4)
    conv5 = [Convolution(unbiased: channels[2], channels[3], generator), BatchNorm(channels[3]), ReLU()]
    fc = Linear(channels[3], classes, generator: generator)
  }

  public override var classifier: Linear? { fc }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = conv1(input)
    taps[TapName.stem] = output
    output = output.maxPooled(3, stride: 2, padding: 1)
    for (index, stage) in [stage2, stage3, stage4].enumerated() {
      output = taps.shuffleStage(index + 1, stage, output)
    }
    return fc(taps.pool(last: conv5(output)))
  }
}

/// Two rows of layers beside each other, and a shuffle that mixes them. Both see the whole input where the block halves the
/// image; elsewhere each has half of the channels, and the first leaves them as they are.
final class ShuffleBlock: Module, HalvedBlock {
  let branch1: [any Layer]
  let branch2: [any Layer]

  init(_ inputs: Int, _ outputs: Int, halves: Bool, _ generator: Generator) {
    let half = outputs / 2
    branch1 =
      halves
      ? [
        Convolution(depthwise: inputs, stride: 2, generator), BatchNorm(inputs),
        Convolution(unbiased: inputs, half, generator), BatchNorm(half), ReLU(),
      ] : []
    branch2 = [
      Convolution(unbiased: halves ? inputs : half, half, generator), BatchNorm(half), ReLU(),
      Convolution(depthwise: half, stride: halves ? 2 : 1, generator), BatchNorm(half),
      Convolution(unbiased: half, half, generator), BatchNorm(half), ReLU(),
    ]
  }

  func halves(of input: Tensor) -> (kept: Tensor, changed: Tensor) {
    let (first, second) = branch1.isEmpty ? input.channelHalves : (input, input)
    return (branch1(first), branch2.dropLast().reduce(second) { $1($0) })
  }
}

extension NetworkFamily {
  /// By channels of the stages and of the last convolution.
  static let shuffleNetV2 = NetworkFamily(
    title: "ShuffleNetV2 for photographs", source: "Ma et al., ECCV 2018; torchvision, models/shufflenetv2.py",
    imageSize: 224,
    members: [
      "shufflenet_v2_x0_5": [48, 96, 192, 1024], "shufflenet_v2_x1_0": [116, 232, 464, 1024],
      "shufflenet_v2_x2_0": [244, 488, 976, 2048],
    ]
  ) { channels, classes, inputChannels, generator in
    ShuffleNetV2(channels: channels, inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
