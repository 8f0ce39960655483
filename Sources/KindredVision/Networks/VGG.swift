// VGG networks for small images.

import Graph
import Kindred
import Torch

/// VGG with batch norms for small images: Simonyan & Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
/// Recognition*, ICLR 2015, in the distillation benchmarks' form with a single linear layer.
///
/// Parameter names, structure, taps and initialisation are those of `models/vgg.py` in HobbitLong/RepDistiller. Five groups of
/// convolutions; `stem` is the first's output after its last ReLU, `stage1` to `stage4` those of the others, each with what
/// that ReLU sees (`stage1.pre`). Groups are divided by max poolings, but for the last two: there images of 64 pixels and more
/// are pooled, smaller ones are not (there, those of 64 alone). Initialised as there: convolutions normal with variance
/// 2 / (K K Cout), the linear layer with deviation 0.01, biases 0.
public final class VGG: Network {
  let block0: [any Layer]
  let block1: [any Layer]
  let block2: [any Layer]
  let block3: [any Layer]
  let block4: [any Layer]
  let linear: Linear

  /// - Parameters:
  ///   - convolutions: in each of the five groups.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(convolutions: [Int], inputChannels: Int = 3, classes: Int, generator: Generator) {
    block0 = VGG.block(inputChannels, 64, convolutions[0], generator)
    block1 = VGG.block(64, 128, convolutions[1], generator)
    block2 = VGG.block(128, 256, convolutions[2], generator)
    block3 = VGG.block(256, 512, convolutions[3], generator)
    block4 = VGG.block(512, 512, convolutions[4], generator)
    linear = Linear(512, classes, generator: generator)
    super.init()
    initializeConvolutions(generator, linearDeviation: 0.01)
  }

  public override var entryNames: [String: String] { ["linear": "classifier"] }
  public override var classifier: Linear? { linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = block0(input).relu()
    taps[TapName.stem] = output
    for (index, block) in [block1, block2, block3, block4].enumerated() {
      let isPooled = index < 3 || input.shape[2] >= 64
      let normalized = block(isPooled ? output.maxPooled(2) : output)
      output = normalized.relu()
      let name = TapName.stage(index + 1)
      taps[name] = output
      taps[TapName.preActivation(name)] = normalized
    }
    return linear(taps.pool(last: output))
  }

  /// Convolutions with batch norms and ReLUs, but for the last ReLU.
  private static func block(_ inputs: Int, _ outputs: Int, _ count: Int, _ generator: Generator) -> [any Layer] {
    let layers = (0..<count).flatMap { index -> [any Layer] in
      [
        Convolution(
          index == 0 ? inputs : outputs, outputs, kernel: 3, .init(padding: 1), generator: generator),
        BatchNorm(outputs), ReLU(),
      ]
    }
    return Array(layers.dropLast())
  }
}

extension NetworkFamily {
  /// By the number of convolutions in each group.
  static let vgg = NetworkFamily(
    title: "VGG for small images", source: "Simonyan & Zisserman, ICLR 2015; HobbitLong/RepDistiller, models/vgg.py",
    imageSize: 32,
    members: [
      "vgg-8": [1, 1, 1, 1, 1], "vgg-11": [1, 1, 2, 2, 2], "vgg-13": [2, 2, 2, 2, 2], "vgg-16": [2, 2, 3, 3, 3],
      "vgg-19": [2, 2, 4, 4, 4],
    ]
  ) { convolutions, classes, inputChannels, generator in
    VGG(convolutions: convolutions, inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
