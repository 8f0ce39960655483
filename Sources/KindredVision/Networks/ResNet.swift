// Residual networks for small images.

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

  public override var tapNames: [String] { Architecture.taps }
  public override var classifier: Linear? { fc }

  private var stages: [(name: String, blocks: [ResidualBlock])] {
    Array(zip(Architecture.stages, [layer1, layer2, layer3]))
  }

  /// That of the last block's branch, whose output the block's input is added to.
  public override func normalization(at tap: String) -> BatchNorm? {
    stages.first { Architecture.preActivation($0.name) == tap }?.blocks.last?.bn2
  }

  public override func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
    var taps = TapCollector(request)
    var output = taps.keepStem(conv1(input, bn1, relu: true))
    for (name, stage) in stages {
      if taps.isComplete { return taps.result }
      let preActivation = Architecture.preActivation(name)
      if taps.wants(preActivation) {
        let sum = stage(output, relu: false)
        taps.keep(preActivation, sum)
        output = sum.relu()
      } else {
        output = stage(output)
      }
      taps.keep(name, output)
    }
    if taps.isComplete { return taps.result }
    taps.keepEnd(output, fc)
    return taps.result
  }

  public override func fold() {
    conv1.fold(bn1)
    for module in modules { (module as? ResidualBlock)?.fold() }
  }
}

extension [ResidualBlock] {
  /// One block after the other; without `relu` the last one's sum as it is.
  fileprivate func callAsFunction(_ input: Tensor, relu: Bool = true) -> Tensor {
    enumerated().reduce(input) { $1.element($0, relu: relu || $1.offset < count - 1) }
  }
}

/// Two 3 x 3 convolutions around which the input is added.
final class ResidualBlock: Module {
  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  /// A 1 x 1 convolution and its batch norm, where the shape changes; empty elsewhere.
  let downsample: [Module]

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

  private var shortcut: (convolution: Convolution, norm: BatchNorm)? {
    guard let convolution = downsample.first as? Convolution, let norm = downsample.last as? BatchNorm else {
      return nil
    }
    return (convolution, norm)
  }

  /// Without `relu` the sum as it is.
  func callAsFunction(_ input: Tensor, relu: Bool = true) -> Tensor {
    let residual = shortcut.map { $0.convolution(input, $0.norm) } ?? input
    return conv2(conv1(input, bn1, relu: true, feeding: conv2), bn2, adding: residual, relu: relu)
  }

  func fold() {
    conv1.fold(bn1)
    conv2.fold(bn2)
    if let shortcut { shortcut.convolution.fold(shortcut.norm) }
  }
}
