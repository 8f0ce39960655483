// MobileNetV1 for photographs.

import Graph
import Kindred
import Torch

/// MobileNetV1: Howard et al., *MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications*, 2017.
///
/// Parameter names, structure and initialisation are those of timm's `mobilenetv1_100` (`models/efficientnet.py`), whose
/// weights can be loaded; its other widths multiply all channels. ReLUs clip at 6. `stem` is the first convolution's output
/// after its ReLU; of the five stages of blocks the last four, each with a stride, are `stage1` to `stage4`, after the ReLU,
/// and `stage1.pre` and so on are what that ReLU sees; `stage4` is `last`. Initialised as there: convolutions normal with
/// variance 2 / (K K Cout), Cout being 1 for a filter of one channel, the linear layer uniform in +-1/sqrt(classes), bias 0;
/// a seed gives other numbers than timm, which also draws for layers that it throws away.
public final class MobileNetV1: Network {
  let convStem: Convolution
  let bn1: BatchNorm
  let blocks: [Sequential]
  let linear: Linear

  /// - Parameters:
  ///   - width: by which channels are multiplied, then rounded to multiples of 8.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(width: Double, inputChannels: Int = 3, classes: Int, generator: Generator) {
    var channels = Int.eights(near: 32 * width)
    convStem = Convolution(unbiased: inputChannels, channels, kernel: 3, stride: 2, generator)
    bn1 = BatchNorm(channels)
    let stages = zip([64, 128, 256, 512, 1024], [1, 2, 2, 6, 2])
    blocks = stages.enumerated().map { number, stage in
      let outputs = Int.eights(near: Double(stage.0) * width)
      return Sequential(
        (0..<stage.1).map { index in
          let stride = index == 0 && number > 0 ? 2 : 1
          let block = SeparableConvolution(channels, outputs, stride: stride, generator: generator)
          channels = outputs
          return block
        })
    }
    linear = Linear(channels, classes, generator: generator)
    super.init()
    initializeConvolutions(generator, perGroup: true)
    // Without classes there is nothing to draw, within whatever bound.
    let bound = 1 / Double(max(classes, 1)).squareRoot()
    generator.fillUniform(linear.weight, -bound..<bound)
    withoutGradients { linear.bias.fillInPlace(0) }
  }

  public override var entryNames: [String: String] { ["convStem": "conv_stem", "linear": "classifier"] }
  public override var classifier: Linear? { linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = bn1(convStem(input)).hardtanh(0...6)
    taps[TapName.stem] = output
    for (number, stage) in blocks.enumerated() {
      output = taps.run(stage: number, stage.layers, on: output) { $0.hardtanh(0...6) }
    }
    return linear(taps.pool(last: output))
  }
}

/// Filtered channel by channel, then mixed by a 1 x 1 convolution.
final class SeparableConvolution: Module, Layer {
  let depthwise: Convolution
  let bn1: BatchNorm
  let pointwise: Convolution
  let bn2: BatchNorm

  init(_ inputs: Int, _ outputs: Int, stride: Int, generator: Generator) {
    depthwise = Convolution(depthwise: inputs, stride: stride, generator)
    bn1 = BatchNorm(inputs)
    pointwise = Convolution(unbiased: inputs, outputs, generator)
    bn2 = BatchNorm(outputs)
  }

  override var entryNames: [String: String] { ["depthwise": "conv_dw", "pointwise": "conv_pw"] }

  /// Before the last ReLU.
  func callAsFunction(_ input: Tensor) -> Tensor { bn2(pointwise(bn1(depthwise(input)).hardtanh(0...6))) }
}

extension NetworkFamily {
  /// By width.
  static let mobileNetV1 = NetworkFamily(
    title: "MobileNetV1 for photographs", source: "Howard et al., 2017; timm, models/efficientnet.py", imageSize: 224,
    members: ["mobilenetv1_025": 0.25, "mobilenetv1_050": 0.5, "mobilenetv1_100": 1.0]
  ) { width, classes, inputChannels, generator in
    MobileNetV1(width: width, inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
