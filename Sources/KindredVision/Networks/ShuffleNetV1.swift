// ShuffleNetV1 for small images.

import Graph
import Kindred
import Torch

/// ShuffleNetV1 with three groups for small images: Zhang et al., *ShuffleNet: An Extremely Efficient Convolutional Neural
/// Network for Mobile Devices*, CVPR 2018, in the distillation benchmarks' form: a 1 x 1 stem without stride or pooling, and a
/// ReLU behind the depthwise convolution too.
///
/// Parameter names, structure, taps and initialisation are those of `models/ShuffleNetv1.py` in HobbitLong/RepDistiller.
/// `stem` is the first convolution's output after its ReLU; `stage1` to `stage3` are the outputs of `layer1` to `layer3`
/// after the last ReLU, `stage1.pre` and so on what it sees; `stage3` is `last`, and its mean is taken over the whole image
/// (there, over windows of 4, which at 32 pixels is the same). Initialised as by PyTorch.
public final class ShuffleNetV1: Network {
  let conv1: Convolution
  let bn1: BatchNorm
  let layer1: [ShuffleUnit]
  let layer2: [ShuffleUnit]
  let layer3: [ShuffleUnit]
  let linear: Linear

  /// - Parameters:
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(inputChannels: Int = 3, classes: Int, generator: Generator) {
    conv1 = Convolution(unbiased: inputChannels, 24, generator)
    bn1 = BatchNorm(24)
    layer1 = ShuffleUnit.stage(24, 240, units: 4, inputGroups: 1, generator)
    layer2 = ShuffleUnit.stage(240, 480, units: 8, generator)
    layer3 = ShuffleUnit.stage(480, 960, units: 4, generator)
    linear = Linear(960, classes, generator: generator)
  }

  public override var classifier: Linear? { linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = bn1(conv1(input)).relu()
    taps[TapName.stem] = output
    for (index, layer) in [layer1, layer2, layer3].enumerated() {
      output = taps.run(stage: index + 1, layer, on: output)
    }
    return linear(taps.pool(last: output))
  }
}

/// Convolutions of groups of channels, which a shuffle mixes, beside the input: added to it where the shape stays, put
/// before its mean where the unit halves the image. The ReLU after it is the stage's.
final class ShuffleUnit: Module, Layer {
  private static let groups = 3

  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  let conv3: Convolution
  let bn3: BatchNorm
  private let halves: Bool

  /// `outputs` is what the convolutions give, beside the input.
  init(_ inputs: Int, _ outputs: Int, halves: Bool, inputGroups: Int, _ generator: Generator) {
    let middle = outputs / 4
    conv1 = Convolution(unbiased: inputs, middle, groups: inputGroups, generator)
    bn1 = BatchNorm(middle)
    conv2 = Convolution(depthwise: middle, stride: halves ? 2 : 1, generator)
    bn2 = BatchNorm(middle)
    conv3 = Convolution(unbiased: middle, outputs, groups: ShuffleUnit.groups, generator)
    bn3 = BatchNorm(outputs)
    self.halves = halves
  }

  static func stage(
    _ inputs: Int, _ outputs: Int, units: Int, inputGroups: Int = groups, _ generator: Generator
  ) -> [ShuffleUnit] {
    (0..<units).map { index in
      index == 0
        ? ShuffleUnit(inputs, outputs - inputs, halves: true, inputGroups: inputGroups, generator)
        : ShuffleUnit(outputs, outputs, halves: false, inputGroups: groups, generator)
    }
  }

  /// The sum or the concatenation, before its ReLU.
  func callAsFunction(_ input: Tensor) -> Tensor {
    let narrow = bn1(conv1(input)).relu()
    let groups = conv1.options.groups
    let mixed = groups == 1 ? narrow : narrow.channelsShuffled(groups: groups)
    let own = bn3(conv3(bn2(conv2(mixed)).relu()))
    return halves ? .concatenated([own, input.averagePooled(3, stride: 2, padding: 1)], axis: 1) : own + input
  }
}

extension NetworkFamily {
  /// One network.
  static let shuffleNetV1 = NetworkFamily(
    title: "ShuffleNetV1 for small images",
    source: "Zhang et al., CVPR 2018; HobbitLong/RepDistiller, models/ShuffleNetv1.py", imageSize: 32,
    members: ["shufflenetv1": ()]
  ) { _, classes, inputChannels, generator in
    ShuffleNetV1(inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
