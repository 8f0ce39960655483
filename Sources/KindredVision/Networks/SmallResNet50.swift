// ResNet-50 for small images.

import Graph
import Kindred
import Torch

/// ResNet-50 for small images: He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016, in the distillation
/// benchmarks' form: a 3 x 3 stem without stride or pooling, the stride of a bottleneck on its 3 x 3 convolution.
///
/// Parameter names, structure, taps and initialisation are those of `models/resnetv2.py` in HobbitLong/RepDistiller. `stem`
/// is the first convolution's output after its ReLU; `stage1` to `stage4` are the outputs of `layer1` to `layer4` after their
/// last ReLU, `stage1.pre` and so on the sums before it; `stage4` is `last`. Initialised as there: convolutions normal with
/// variance 2 / (K K Cout), the linear layer as by PyTorch.
public final class SmallResNet50: Network {
  let conv1: Convolution
  let bn1: BatchNorm
  let layer1: [Bottleneck]
  let layer2: [Bottleneck]
  let layer3: [Bottleneck]
  let layer4: [Bottleneck]
  let linear: Linear

  /// - Parameters:
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(inputChannels: Int = 3, classes: Int, generator: Generator) {
    func layer(_ inputs: Int, _ middle: Int, _ blocks: Int, stride: Int = 2) -> [Bottleneck] {
      Bottleneck.stage(
        inputs, middle: middle, blocks: blocks, stride: stride, shortcutName: "shortcut", generator: generator)
    }
    conv1 = Convolution(unbiased: inputChannels, 64, kernel: 3, generator)
    bn1 = BatchNorm(64)
    layer1 = layer(64, 64, 3, stride: 1)
    layer2 = layer(256, 128, 4)
    layer3 = layer(512, 256, 6)
    layer4 = layer(1024, 512, 3)
    linear = Linear(2048, classes, generator: generator)
    super.init()
    initializeConvolutions(generator)
  }

  public override var classifier: Linear? { linear }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = bn1(conv1(input)).relu()
    taps[TapName.stem] = output
    for (index, layer) in [layer1, layer2, layer3, layer4].enumerated() {
      output = taps.run(stage: index + 1, layer, on: output)
    }
    return linear(taps.pool(last: output))
  }
}

extension NetworkFamily {
  /// One network.
  static let smallResNet50 = NetworkFamily(
    title: "ResNet-50 for small images", source: "He et al., CVPR 2016; HobbitLong/RepDistiller, models/resnetv2.py",
    imageSize: 32, members: ["resnet-50-cifar": ()]
  ) { _, classes, inputChannels, generator in
    SmallResNet50(inputChannels: inputChannels, classes: classes, generator: generator)
  }
}
