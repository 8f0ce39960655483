// A network by its name.

import Kindred
import Synchronization
import Torch

/// The networks there are.
public enum Networks {
  /// The catalogue, and what a program has added to it.
  public static var families: [NetworkFamily] { own + added.withLock { $0 } }

  /// A family is one file and one line here.
  private static let own: [NetworkFamily] = [
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

  private static let added = Mutex<[NetworkFamily]>([])

  /// Makes networks of a program's own known by their names wherever Kindred's are. A program does so before anything else:
  /// what was looked up before does not know them.
  /// - Parameter families: each with the names of its members.
  /// - Throws: `CatalogueError` for a name that is taken, or cannot be one; nothing is added then.
  public static func add(_ families: [NetworkFamily]) throws {
    try added.withLock { added in
      var all = own + added
      for family in families {
        for name in family.names {
          try CatalogueError.check(name, of: "network", isTaken: all.contains { $0.builder(name) != nil })
        }
        all.append(family)
      }
      added += families
    }
  }

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
