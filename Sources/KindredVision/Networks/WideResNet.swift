// Wide residual networks for small images.

import Graph
import Kindred
import Torch

/// WRN-d-w: Zagoruyko & Komodakis, *Wide Residual Networks*, BMVC 2016, in the CIFAR form without dropout.
///
/// Parameter names, structure, taps and initialisation are those of `models/wrn.py` in HobbitLong/RepDistiller. A stage's
/// tap is its last block's raw residual sum, before the batch norm and ReLU of what follows: it can be negative. Its
/// pre-activation is that sum after this batch norm and before this ReLU. Initialised as there: convolutions normal with
/// variance 2 / (K K Cout), linear bias 0, linear weight as by PyTorch.
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

  public override var classifier: Linear? { fc }

  public override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    var output = conv1(input)
    taps[TapName.stem] = output
    // The batch norm that opens what follows a stage; the first stage's is no tap.
    var normalized = block1.layer[0].bn1(output)
    let norms = [block2.layer[0].bn1, block3.layer[0].bn1, bn1]
    for (index, (stage, norm)) in zip([block1, block2, block3], norms).enumerated() {
      output = stage(output, normalized)
      let name = TapName.stage(index + 1)
      taps[name] = output
      normalized = norm(output)
      taps[TapName.preActivation(name)] = normalized
    }
    return fc(taps.pool(last: normalized.relu()))
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

  /// `normalized` is the input after the first block's batch norm.
  func callAsFunction(_ input: Tensor, _ normalized: Tensor) -> Tensor {
    layer.dropFirst().reduce(layer[0](input, normalized)) { $1($0, $1.bn1($0)) }
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

  /// `normalized` is the input after `bn1`.
  func callAsFunction(_ input: Tensor, _ normalized: Tensor) -> Tensor {
    let active = normalized.relu()
    let shortcut = convShortcut?(active) ?? input
    return conv2(bn2(conv1(active)).relu()) + shortcut
  }
}

extension NetworkFamily {
  /// A depth of 10, 16, 22 ... 100 and a width from 1 to 20.
  static let wideResNet = NetworkFamily(
    title: "Wide ResNet for small images",
    source: "Zagoruyko & Komodakis, BMVC 2016; HobbitLong/RepDistiller, models/wrn.py",
    imageSize: 32,
    names: ["16-1", "16-2", "16-4", "16-8", "28-10", "40-1", "40-2", "40-4"].map { "wrn-\($0)" }
  ) { name in
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "wrn", let depth = Int(parts[1]), let width = Int(parts[2]),
      (10...100).contains(depth), depth % 6 == 4, (1...20).contains(width),
      // Refuses other spellings of the same numbers, such as `wrn-016-+1`.
      name == "wrn-\(depth)-\(width)"
    else { return nil }
    return { classes, inputChannels, generator in
      WideResNet(depth: depth, width: width, inputChannels: inputChannels, classes: classes, generator: generator)
    }
  }
}
