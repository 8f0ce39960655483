// MobileNetV2 for photographs.

import Graph
import Kindred
import Torch

/// MobileNetV2: Sandler et al., *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018.
///
/// Parameter names, structure and initialisation are those of torchvision's `models/mobilenetv2.py`, whose weights can be
/// loaded; a fifth of the pooled features is dropped in training. ReLUs clip at 6. `stem` is the output of `features.0`,
/// `stage1` to `stage4` those of `features.3`, `6`, `13` and `17`, which end linearly: they can be negative, and no ReLU sees
/// them alone; `stageN.pre` is the same. `last` is the output of `features.18` after its ReLU. Initialised as there: convolutions normal with variance
/// 2 / (K K Cout), the linear layer with deviation 0.01, bias 0.
public final class MobileNetV2: Network {
  let features: [any Layer]
  let head: [any Layer]

  /// - Parameters:
  ///   - width: by which channels are multiplied, then rounded to multiples of 8.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(width: Double, inputChannels: Int = 3, classes: Int, generator: Generator) {
    var channels = Int.eights(near: 32 * width)
    var features: [any Layer] = [
      MobileNetV2.convolution(inputChannels, channels, kernel: 3, stride: 2, generator)
    ]
    for (group, stride) in zip(InvertedResiduals.published, [1, 2, 2, 2, 1, 2, 1]) {
      let outputs = Int.eights(near: Double(group.channels) * width)
      for index in 0..<group.blocks {
        features.append(
          InvertedResidual(
            channels, outputs, expansion: group.expansion, stride: index == 0 ? stride : 1, generator: generator))
        channels = outputs
      }
    }
    let last = Int.eights(near: 1280 * max(1, width))
    features.append(MobileNetV2.convolution(channels, last, kernel: 1, generator))
    self.features = features
    head = [Dropout(0.2), Linear(last, classes, generator: generator)]
    super.init()
    initializeConvolutions(generator, linearDeviation: 0.01)
  }

  public override var entryNames: [String: String] { ["head": "classifier"] }
  public override var classifier: Linear? { head[1] as? Linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    let stages = [3: 1, 6: 2, 13: 3, 17: 4]
    var output = input
    for (index, layer) in features.enumerated() {
      output = layer(output)
      if index == 0 { taps[TapName.stem] = output }
      if let number = stages[index] { taps.setLinear(TapName.stage(number), output) }
    }
    return head(taps.pool(last: output))
  }

  /// A convolution with its batch norm and ReLU.
  static func convolution(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1, _ generator: Generator
  ) -> Sequential {
    Sequential([
      Convolution(unbiased: inputs, outputs, kernel: kernel, stride: stride, groups: groups, generator),
      BatchNorm(outputs), ReLU6(),
    ])
  }
}

/// Expanded by a 1 x 1 convolution, filtered channel by channel, and narrowed without a ReLU; added to the input where the
/// shape stays.
final class InvertedResidual: Module, Layer {
  let conv: [any Layer]
  private let isResidual: Bool

  init(_ inputs: Int, _ outputs: Int, expansion: Int, stride: Int, generator: Generator) {
    let middle = inputs * expansion
    let expanding = expansion == 1 ? [] : [MobileNetV2.convolution(inputs, middle, kernel: 1, generator)]
    conv =
      expanding + [
        MobileNetV2.convolution(middle, middle, kernel: 3, stride: stride, groups: middle, generator),
        Convolution(unbiased: middle, outputs, generator), BatchNorm(outputs),
      ]
    isResidual = stride == 1 && inputs == outputs
  }

  func callAsFunction(_ input: Tensor) -> Tensor { isResidual ? conv(input) + input : conv(input) }
}

extension NetworkFamily {
  /// By width.
  static let mobileNetV2 = NetworkFamily(
    title: "MobileNetV2 for photographs", source: "Sandler et al., CVPR 2018; torchvision, models/mobilenetv2.py",
    imageSize: 224,
    members: [
      "mobilenet_v2-0.35": 0.35, "mobilenet_v2-0.5": 0.5, "mobilenet_v2-1.0": 1.0, "mobilenet_v2-1.4": 1.4,
    ]
  ) { width, classes, inputChannels, generator in
    MobileNetV2(width: width, inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
