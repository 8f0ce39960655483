// Wide residual networks for small images.

import Kindred
import Torch

/// WRN-d-w: Zagoruyko & Komodakis, *Wide Residual Networks*, BMVC 2016, in the CIFAR form without dropout.
///
/// Parameter names, structure, taps and initialisation are those of `models/wrn.py` in HobbitLong/RepDistiller. A stage's
/// tap is its last block's raw residual sum, before the batch norm and ReLU of what follows: it can be negative. Its
/// pre-activation is that sum after this batch norm and before this ReLU. Initialised as there: convolutions normal with variance 2 / (K K Cout), linear bias 0, linear weight as by PyTorch.
public final class WideResNet: Network {
  let conv1: Convolution
  let block1: WideStage
  let block2: WideStage
  let block3: WideStage
  let bn1: BatchNorm
  let fc: Linear

  /// - Parameters:
  ///   - depth: 6 n + 4 for n blocks in each of the three stages.
  ///   - width: the stages have 16, 32 and 64 times as many channels.
  ///   - inputChannels: of the images.
  ///   - classes: the number of logits.
  ///   - generator: draws the weights.
  public init(depth: Int, width: Int, inputChannels: Int = 3, classes: Int, generator: Generator) {
    let blocks = (depth - 4) / 6
    conv1 = Convolution(inputChannels, 16, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    block1 = WideStage(16, 16 * width, blocks: blocks, stride: 1, generator: generator)
    block2 = WideStage(16 * width, 32 * width, blocks: blocks, stride: 2, generator: generator)
    block3 = WideStage(32 * width, 64 * width, blocks: blocks, stride: 2, generator: generator)
    bn1 = BatchNorm(64 * width)
    fc = Linear(64 * width, classes, generator: generator)
    super.init()
    initializeConvolutions(generator)
    withoutGradients { fc.bias.fillInPlace(0) }
  }

  public override var tapNames: [String] { Architecture.taps }
  public override var classifier: Linear? { fc }

  /// The stages, each with the batch norm that follows it.
  private var stages: [(name: String, stage: WideStage, norm: BatchNorm)] {
    let norms = [block2.layer[0].bn1, block3.layer[0].bn1, bn1]
    return zip(Architecture.stages, zip([block1, block2, block3], norms)).map { ($0, $1.0, $1.1) }
  }

  public override func normalization(at tap: String) -> BatchNorm? {
    stages.first { Architecture.preActivation($0.name) == tap }?.norm
  }

  public override func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
    var taps = TapCollector(request)
    var output = taps.keepStem(conv1(input, nil))
    // The output after the batch norm that follows it, where that is asked for: what follows goes on with it.
    var normalized: Tensor?
    for (name, stage, norm) in stages {
      if taps.isComplete { return taps.result }
      output = stage(output, normalized: normalized)
      taps.keep(name, output)
      let preActivation = Architecture.preActivation(name)
      normalized = taps.wants(preActivation) ? norm(output) : nil
      if let normalized { taps.keep(preActivation, normalized) }
    }
    if taps.isComplete { return taps.result }
    taps.keepEnd(normalized?.relu() ?? bn1(output, relu: true), fc)
    return taps.result
  }

  public override func fold() {
    conv1.fold()
    for module in modules { (module as? WideBlock)?.fold() }
  }
}

/// The blocks of one resolution.
final class WideStage: Module {
  let layer: [WideBlock]

  init(_ inputs: Int, _ outputs: Int, blocks: Int, stride: Int, generator: Generator) {
    layer = (0..<blocks).map { index in
      WideBlock(index == 0 ? inputs : outputs, outputs, stride: index == 0 ? stride : 1, generator: generator)
    }
  }

  /// `normalized` is the input after the first block's batch norm, where that is known already.
  func callAsFunction(_ input: Tensor, normalized: Tensor? = nil) -> Tensor {
    layer.dropFirst().reduce(layer[0](input, normalized: normalized)) { $1($0) }
  }
}

/// Pre-activation block: batch norm and ReLU come before each convolution.
final class WideBlock: Module {
  let bn1: BatchNorm
  let conv1: Convolution
  let bn2: BatchNorm
  let conv2: Convolution
  /// 1 x 1, where the number of channels changes; its input is then the normalised one.
  let convShortcut: Convolution?

  init(_ inputs: Int, _ outputs: Int, stride: Int, generator: Generator) {
    bn1 = BatchNorm(inputs)
    conv1 = Convolution(
      inputs, outputs, kernel: 3, .init(stride: stride, padding: 1), bias: false, generator: generator)
    bn2 = BatchNorm(outputs)
    conv2 = Convolution(outputs, outputs, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    convShortcut =
      inputs == outputs
      ? nil : Convolution(inputs, outputs, kernel: 1, .init(stride: stride), bias: false, generator: generator)
  }

  /// `normalized` is the input after `bn1`, where that is known already.
  func callAsFunction(_ input: Tensor, normalized: Tensor? = nil) -> Tensor {
    let active = normalized?.relu() ?? bn1(input, reluFeeding: conv1)
    let shortcut = convShortcut.map { $0(active, nil) } ?? input
    return conv2(conv1(active, bn2, relu: true, feeding: conv2), nil, adding: shortcut)
  }

  func fold() {
    conv1.fold(bn2)
    conv2.fold()
    convShortcut?.fold()
  }
}
