// A network by its name.

import Kindred
import Torch

/// The networks there are.
public enum Networks {
  /// The catalogue: a family is one file and one line here.
  public static let families: [NetworkFamily] = [
    .wideResNet,
    .resNet,
    .vgg,
    .smallMobileNetV2,
    .shuffleNetV1,
    .smallShuffleNetV2,
    .smallResNet50,
    .imageNetResNet,
    .mobileNetV1,
    .mobileNetV2,
    .shuffleNetV2,
  ]

  /// A freshly initialised network for images of a kind.
  /// - Throws: `UnknownNetwork`.
  public static func make(_ name: String, for data: ImageData, seed: UInt64 = 1) throws -> Network {
    try make(name, classes: data.training.classNames.count, inputChannels: data.training.channels, seed: seed)
  }

  /// A freshly initialised network for so many classes.
  /// - Throws: `UnknownNetwork`.
  public static func make(
    _ name: String, classes: Int, inputChannels: Int = 3, seed: UInt64 = 1
  ) throws -> Network {
    guard let architecture = Architecture(name: name) else { throw UnknownNetwork(name: name) }
    return architecture.network(classes: classes, inputChannels: inputChannels, generator: Generator(seed: seed))
  }
}

/// A name that no network has.
public struct UnknownNetwork: Error, CustomStringConvertible, Sendable {
  /// The name that was asked for.
  public let name: String

  public var description: String {
    "there is no network '\(name)'; there are \(Architecture.suggestedNames.joined(separator: ", ")) and the like"
  }
}
