/// What a network of the zoo looks like, from its name alone: stages, taps, shapes and costs.
///
/// A configuration is checked and `kindred inspect` answers before any tensor exists; the networks themselves are built
/// from the same description. The structures are those of the CIFAR networks that distillation is usually compared on:
/// wide residual networks (Zagoruyko and Komodakis, 2016) and the CIFAR ResNets (He and others, 2016).

import Kindred

/// The description of a network: `wrn-16-2`, `resnet-20`, `resnet-8x4` and so on.
public struct Architecture: Sendable, Hashable, CustomStringConvertible {
  /// The two families of networks.
  public enum Family: Sendable, Hashable {
    /// Pre-activation blocks, `6n + 4` layers; the width multiplies 16, 32 and 64 channels, the stem has 16.
    case wideResNet
    /// Post-activation blocks, `6n + 2` layers; 16, 32 and 64 channels, or four times those with twice the stem.
    case resNet
  }

  /// Which of them it is.
  public let family: Family
  /// The number of layers with weights, shortcuts not counted.
  public let depth: Int
  /// The factor on the stages' channels.
  public let width: Int

  /// The network of that name, or nil when there is none.
  ///
  /// Names are `wrn-DEPTH-WIDTH`, with a depth of 10, 16, 22 ... 100 and a width from 1 to 20, and the ResNets
  /// `resnet-8`, `-14`, `-20`, `-32`, `-44`, `-56`, `-110`, `-8x4` and `-32x4`.
  public init?(name: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    if parts.count == 3, parts[0] == "wrn", let depth = Int(parts[1]), let width = Int(parts[2]) {
      guard (10...100).contains(depth), depth % 6 == 4, (1...20).contains(width) else { return nil }
      self.init(family: .wideResNet, depth: depth, width: width)
    } else if let network = Architecture.resNets.first(where: { $0.name == name }) {
      self = network
    } else {
      return nil
    }
    // Refuses other spellings of the same numbers, such as `wrn-016-+1`.
    guard self.name == name else { return nil }
  }

  private init(family: Family, depth: Int, width: Int) {
    self.family = family
    self.depth = depth
    self.width = width
  }

  private static let resNets =
    [8, 14, 20, 32, 44, 56, 110].map { Architecture(family: .resNet, depth: $0, width: 1) }
    + [8, 32].map { Architecture(family: .resNet, depth: $0, width: 4) }

  /// Such as `wrn-16-2` or `resnet-8x4`.
  public var name: String {
    switch family {
    case .wideResNet: "wrn-\(depth)-\(width)"
    case .resNet: width == 1 ? "resnet-\(depth)" : "resnet-\(depth)x\(width)"
    }
  }

  public var description: String { name }

  /// Networks worth offering: the Wide ResNets that papers use most, and every ResNet.
  public static let suggested: [Architecture] =
    [(16, 1), (16, 2), (16, 4), (16, 8), (28, 10), (40, 1), (40, 2), (40, 4)].map {
      Architecture(family: .wideResNet, depth: $0.0, width: $0.1)
    } + resNets

  /// Their names.
  public static let suggestedNames: [String] = suggested.map(\.name)
}

// MARK: - Taps

extension Architecture {
  /// The places whose activations can be compared, from input to output.
  ///
  /// - `stem`: the first convolution's output, in a ResNet after its batch norm and ReLU.
  /// - `stage1`, `stage2`, `stage3`: each stage's output. In a Wide ResNet that is the residual sum, before the next batch
  ///   norm and ReLU; in a ResNet it is after the last block's ReLU.
  /// - `stage1.pre`, `stage2.pre`, `stage3.pre`: what the ReLU after each stage sees. In a Wide ResNet that is the output
  ///   after the next batch norm; in a ResNet it is the last block's sum.
  /// - `last`: the last map, after its ReLU.
  /// - `pooled`: its mean over the image, which the classifier works on.
  public var taps: [String] { Architecture.taps }

  static let taps = [stem] + stages.flatMap { [$0, preActivation($0)] } + [last, Activations.pooledName]
  static let stem = "stem"
  static let stages = ["stage1", "stage2", "stage3"]
  static let last = "last"

  static func preActivation(_ stage: String) -> String { "\(stage).pre" }

  /// The tap a relation loss such as SP uses when none is named: the last stage's output, before pooling.
  package static let defaultTap = "stage3"
  /// The taps attention transfer uses when none are named: all three stages.
  package static let attentionTaps = stages
  /// The tap a FitNets hint uses when none is named: the second stage, the usual benchmark's `hint_layer` 2.
  package static let hintTap = "stage2"
  /// The name before the classifier's entries, `fc.weight` and `fc.bias`.
  package static let classifier = "fc"

  /// What the network gives for images of a shape.
  public func description(
    classes: Int?, image: (channels: Int, height: Int, width: Int)
  ) -> NetworkDescription {
    var (height, width) = (image.height, image.width)
    var shapes = [Architecture.stem: [stemChannels, height, width], Activations.pooledName: [stageChannels[2]]]
    for (index, stage) in Architecture.stages.enumerated() {
      if index > 0 { (height, width) = (Architecture.halved(height), Architecture.halved(width)) }
      shapes[stage] = [stageChannels[index], height, width]
      shapes[Architecture.preActivation(stage)] = shapes[stage]
    }
    shapes[Architecture.last] = [stageChannels[2], height, width]
    return NetworkDescription(name: name, classes: classes, taps: shapes)
  }

  /// A 3 x 3 convolution of stride 2 and padding 1 halves a side and rounds up.
  private static func halved(_ side: Int) -> Int { (side + 1) / 2 }
}

// MARK: - Structure and costs

extension Architecture {
  /// The channels of the first convolution.
  package var stemChannels: Int {
    family == .resNet && width > 1 ? 32 : 16
  }

  /// The channels of the three stages. The second and third halve the image's sides in their first block.
  package var stageChannels: [Int] {
    [16 * width, 32 * width, 64 * width]
  }

  /// The residual blocks in each stage; a block has two 3 x 3 convolutions.
  package var blocksPerStage: Int {
    (depth - (family == .wideResNet ? 4 : 2)) / 6
  }

  /// The trained numbers: convolutions, batch normalisations' scales and shifts, and the classifier.
  public func parameterCount(classes: Int, inputChannels: Int) -> Int {
    let normalised = family == .wideResNet ? stageChannels[2] : stemChannels
    let blocks = blocks.reduce(0) { $0 + $1.parameters }
    return 9 * inputChannels * stemChannels + blocks + 2 * normalised + (stageChannels[2] + 1) * classes
  }

  /// The multiply-adds of one image's forward pass in convolutions and the classifier.
  public func multiplyAdds(classes: Int, inputChannels: Int, inputHeight: Int, inputWidth: Int) -> Int {
    var (height, width) = (inputHeight, inputWidth)
    var total = 9 * inputChannels * stemChannels * height * width
    for block in blocks {
      if block.halves { (height, width) = (Architecture.halved(height), Architecture.halved(width)) }
      total += block.convolutionWeights * height * width
    }
    return total + stageChannels[2] * classes
  }

  private struct Block {
    let family: Family
    let inputs: Int
    let outputs: Int
    let halves: Bool

    /// A block whose output has other channels than its input adds the input through a 1 x 1 convolution.
    /// In both families a block that halves the sides also changes the channels.
    private var hasShortcut: Bool { inputs != outputs }

    /// Every one of these is used once at each output position.
    var convolutionWeights: Int {
      9 * (inputs + outputs) * outputs + (hasShortcut ? inputs * outputs : 0)
    }

    var parameters: Int {
      switch family {
      case .wideResNet: convolutionWeights + 2 * (inputs + outputs)
      case .resNet: convolutionWeights + 2 * outputs * (hasShortcut ? 3 : 2)
      }
    }
  }

  private var blocks: [Block] {
    var inputs = stemChannels
    var blocks: [Block] = []
    for (stage, outputs) in stageChannels.enumerated() {
      for index in 0..<blocksPerStage {
        blocks.append(Block(family: family, inputs: inputs, outputs: outputs, halves: stage > 0 && index == 0))
        inputs = outputs
      }
    }
    return blocks
  }
}
