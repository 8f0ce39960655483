// MobileNetV2 for small images.

import Graph
import Kindred
import Torch

/// MobileNetV2 for small images: Sandler et al., *MobileNetV2: Inverted Residuals and Linear Bottlenecks*, CVPR 2018, in the
/// distillation benchmarks' form: ReLUs that clip nothing, three strides fewer, channels rounded down.
///
/// Parameter names, structure, taps and initialisation are those of `models/mobilenetv2.py` in HobbitLong/RepDistiller with
/// T = 6. `stem` is the first convolution's output after its ReLU; `stage1` to `stage4` are the outputs of the groups of
/// blocks 1, 2, 4 and 6. These end linearly: they can be negative, and no ReLU sees them alone; `stageN.pre` is the same. `last` is
/// the output of the 1 x 1 convolution behind them, after its ReLU, and its mean is taken over the whole image (there, over
/// windows of 2, which at 32 pixels is the same). Initialised as there: convolutions normal with variance 2 / (K K Cout), the
/// linear layer with deviation 0.01, bias 0.
public final class SmallMobileNetV2: Network {
  let conv1: [any Layer]
  let blocks: [Sequential]
  let conv2: [any Layer]
  let head: [any Layer]

  /// - Parameters:
  ///   - width: by which channels are multiplied.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(width: Double, inputChannels: Int = 3, classes: Int, generator: Generator) {
    var channels = Int(32 * width)
    conv1 = [
      Convolution(unbiased: inputChannels, channels, kernel: 3, stride: 2, generator), BatchNorm(channels), ReLU(),
    ]
    let groups = zip(InvertedResiduals.published, [1, 1, 2, 2, 1, 2, 1])
    blocks = groups.map { group, stride in
      let outputs = Int(Double(group.channels) * width)
      return Sequential(
        (0..<group.blocks).map { index in
          let block = SmallInvertedResidual(
            channels, outputs, expansion: group.expansion, stride: index == 0 ? stride : 1, generator: generator)
          channels = outputs
          return block
        })
    }
    let last = width > 1 ? Int(1280 * width) : 1280
    conv2 = [Convolution(unbiased: channels, last, generator), BatchNorm(last), ReLU()]
    head = [Linear(last, classes, generator: generator)]
    super.init()
    initializeConvolutions(generator, linearDeviation: 0.01)
  }

  public override var entryNames: [String: String] { ["head": "classifier"] }
  public override var classifier: Linear? { head[0] as? Linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = conv1(input)
    taps[TapName.stem] = output
    for (index, groups) in [0...1, 2...2, 3...4, 5...6].enumerated() {
      output = blocks[groups].reduce(output) { $1($0) }
      taps.setLinear(TapName.stage(index + 1), output)
    }
    return head(taps.pool(last: conv2(output)))
  }
}

extension Taps {
  /// A stage that ends without a ReLU is what stands before one, too.
  func setLinear(_ stage: String, _ output: Tensor) {
    self[TapName.preActivation(stage)] = output
    self[stage] = output
  }
}

/// Groups of blocks of one number of channels.
struct InvertedResiduals {
  /// How many times as many channels the middle of a block has as its input.
  let expansion: Int
  let channels: Int
  let blocks: Int

  private init(_ expansion: Int, _ channels: Int, _ blocks: Int) {
    (self.expansion, self.channels, self.blocks) = (expansion, channels, blocks)
  }

  /// Those of the paper's table 2.
  static let published = [
    Self(1, 16, 1), Self(6, 24, 2), Self(6, 32, 3), Self(6, 64, 4), Self(6, 96, 3), Self(6, 160, 3), Self(6, 320, 1),
  ]
}

/// Expanded by a 1 x 1 convolution, filtered channel by channel, and narrowed without a ReLU; added to the input where the
/// shape stays.
final class SmallInvertedResidual: Module, Layer {
  let conv: [any Layer]
  private let isResidual: Bool

  init(_ inputs: Int, _ outputs: Int, expansion: Int, stride: Int, generator: Generator) {
    let middle = inputs * expansion
    conv = [
      Convolution(unbiased: inputs, middle, generator), BatchNorm(middle), ReLU(),
      Convolution(depthwise: middle, stride: stride, generator), BatchNorm(middle), ReLU(),
      Convolution(unbiased: middle, outputs, generator), BatchNorm(outputs),
    ]
    isResidual = stride == 1 && inputs == outputs
  }

  func callAsFunction(_ input: Tensor) -> Tensor { isResidual ? conv(input) + input : conv(input) }
}

extension NetworkFamily {
  /// By width.
  static let smallMobileNetV2 = NetworkFamily(
    title: "MobileNetV2 for small images",
    source: "Sandler et al., CVPR 2018; HobbitLong/RepDistiller, models/mobilenetv2.py", imageSize: 32,
    members: ["mobilenetv2-0.35": 0.35, "mobilenetv2-0.5": 0.5, "mobilenetv2-1.0": 1.0]
  ) { width, classes, inputChannels, generator in
    SmallMobileNetV2(width: width, inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
