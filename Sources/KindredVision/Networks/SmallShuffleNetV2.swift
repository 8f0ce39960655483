// ShuffleNetV2 for small images.

import Graph
import Kindred
import Torch

/// ShuffleNetV2 for small images: Ma et al., *ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design*,
/// ECCV 2018, in the distillation benchmarks' form: a 1 x 1 stem without stride or pooling.
///
/// Parameter names, structure, taps and initialisation are those of `models/ShuffleNetv2.py` in HobbitLong/RepDistiller.
/// `stem` is the first convolution's output after its ReLU; `stage1` to `stage3` are the outputs of `layer1` to `layer3`,
/// shuffled, halves of which passed their ReLUs at different depths. `stageN.pre` is before the ReLU of the second half and, as
/// there, not shuffled: its channels are in another order. `last` is the output of `conv2` after its ReLU, and its mean is taken over the whole image (there, over windows of 4, which at 32 pixels is the
/// same). Initialised as by PyTorch.
public final class SmallShuffleNetV2: Network {
  let conv1: Convolution
  let bn1: BatchNorm
  let layer1: [any HalvedBlock]
  let layer2: [any HalvedBlock]
  let layer3: [any HalvedBlock]
  let conv2: Convolution
  let bn2: BatchNorm
  let linear: Linear

  /// - Parameters:
  ///   - channels: of the three stages and of the last convolution.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(channels: [Int], inputChannels: Int = 3, classes: Int, generator: Generator) {
    func layer(_ inputs: Int, _ outputs: Int, blocks: Int) -> [any HalvedBlock] {
      [SmallShuffleReduction(inputs, outputs, generator)]
        + (0..<blocks).map { _ in SmallShuffleBlock(outputs, generator) }
    }
    conv1 = Convolution(unbiased: inputChannels, 24, generator)
    bn1 = BatchNorm(24)
    layer1 = layer(24, channels[0], blocks: 3)
    layer2 = layer(channels[0], channels[1], blocks: 7)
    layer3 = layer(channels[1], channels[2], blocks: 3)
    conv2 = Convolution(unbiased: channels[2], channels[3], generator)
    bn2 = BatchNorm(channels[3])
    linear = Linear(channels[3], classes, generator: generator)
  }

  public override var classifier: Linear? { linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = bn1(conv1(input)).relu()
    taps[TapName.stem] = output
    for (index, layer) in [layer1, layer2, layer3].enumerated() {
      output = taps.shuffleStage(index + 1, layer, output)
    }
    return linear(taps.pool(last: bn2(conv2(output)).relu()))
  }
}

/// Half of the channels stay as they are beside the other half's convolutions; a shuffle mixes them.
final class SmallShuffleBlock: Module, HalvedBlock {
  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  let conv3: Convolution
  let bn3: BatchNorm

  init(_ channels: Int, _ generator: Generator) {
    let half = channels / 2
    conv1 = Convolution(unbiased: half, half, generator)
    bn1 = BatchNorm(half)
    conv2 = Convolution(depthwise: half, generator)
    bn2 = BatchNorm(half)
    conv3 = Convolution(unbiased: half, half, generator)
    bn3 = BatchNorm(half)
  }

  func halves(of input: Tensor) -> (kept: Tensor, changed: Tensor) {
    let (kept, changed) = input.channelHalves
    return (kept, bn3(conv3(bn2(conv2(bn1(conv1(changed)).relu())))))
  }
}

/// Two rows of convolutions beside each other, which halve the image.
final class SmallShuffleReduction: Module, HalvedBlock {
  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  let conv3: Convolution
  let bn3: BatchNorm
  let conv4: Convolution
  let bn4: BatchNorm
  let conv5: Convolution
  let bn5: BatchNorm

  init(_ inputs: Int, _ outputs: Int, _ generator: Generator) {
    let half = outputs / 2
    conv1 = Convolution(depthwise: inputs, stride: 2, generator)
    bn1 = BatchNorm(inputs)
    conv2 = Convolution(unbiased: inputs, half, generator)
    bn2 = BatchNorm(half)
    conv3 = Convolution(unbiased: inputs, half, generator)
    bn3 = BatchNorm(half)
    conv4 = Convolution(depthwise: half, stride: 2, generator)
    bn4 = BatchNorm(half)
    conv5 = Convolution(unbiased: half, half, generator)
    bn5 = BatchNorm(half)
  }

  func halves(of input: Tensor) -> (kept: Tensor, changed: Tensor) {
    (bn2(conv2(bn1(conv1(input)))).relu(), bn5(conv5(bn4(conv4(bn3(conv3(input)).relu())))))
  }
}

/// A block of ShuffleNetV2: the second half of its channels passes a ReLU, and a shuffle mixes both.
protocol HalvedBlock: Module {
  /// The halves before that ReLU.
  func halves(of input: Tensor) -> (kept: Tensor, changed: Tensor)
}

extension Taps {
  /// The output of a stage, tapped after and before its last ReLU.
  func shuffleStage(_ number: Int, _ blocks: [any HalvedBlock], _ input: Tensor) -> Tensor {
    var output = input
    for (index, block) in blocks.enumerated() {
      let (kept, changed) = block.halves(of: output)
      output = kept.shuffled(with: changed.relu())
      guard index == blocks.count - 1 else { continue }
      self[TapName.preActivation(TapName.stage(number))] = .concatenated([kept, changed], axis: 1)
    }
    self[TapName.stage(number)] = output
    return output
  }
}

extension Tensor {
  /// The first and the second half of the channels.
  var channelHalves: (Tensor, Tensor) {
    let channels = shape[1]
    return (narrowed(1, 0..<channels / 2), narrowed(1, channels / 2..<channels))
  }

  /// Channels of this one and of another in turn.
  func shuffled(with other: Tensor) -> Tensor {
    Tensor.concatenated([self, other], axis: 1).channelsShuffled(groups: 2)
  }
}

extension NetworkFamily {
  /// By channels of the stages and of the last convolution.
  static let smallShuffleNetV2 = NetworkFamily(
    title: "ShuffleNetV2 for small images",
    source: "Ma et al., ECCV 2018; HobbitLong/RepDistiller, models/ShuffleNetv2.py", imageSize: 32,
    members: [
      "shufflenetv2-0.5": [48, 96, 192, 1024], "shufflenetv2-1": [116, 232, 464, 1024],
      "shufflenetv2-1.5": [176, 352, 704, 1024], "shufflenetv2-2": [224, 488, 976, 2048],
    ]
  ) { channels, classes, inputChannels, generator in
    SmallShuffleNetV2(channels: channels, inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
