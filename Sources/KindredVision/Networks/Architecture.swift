// A network of the zoo by its name, and what is known of it before any weight is drawn.

import Graph
import Kindred
import Synchronization
import Torch

/// A network of the catalogue: `wrn-16-2`, `resnet-20` and so on.
public struct Architecture: Sendable, Hashable, CustomStringConvertible {
  /// Such as `wrn-16-2` or `resnet-8x4`.
  public let name: String
  /// The networks of its kind.
  public let family: NetworkFamily
  fileprivate let builder: NetworkBuilder

  /// The network of that name, or nil when there is none.
  ///
  /// Beside the names that are offered there are all Wide ResNets `wrn-DEPTH-WIDTH` with a depth of 10, 16, 22 ... 100 and
  /// a width from 1 to 20.
  public init?(name: String) {
    for family in Networks.families {
      guard let builder = family.builder(name) else { continue }
      self.name = name
      self.family = family
      self.builder = builder
      return
    }
    return nil
  }

  public var description: String { name }

  public static func == (a: Architecture, b: Architecture) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// Networks worth offering.
  public static var suggested: [Architecture] { suggestedNames.compactMap { Architecture(name: $0) } }

  /// Their names.
  public static var suggestedNames: [String] { Networks.families.flatMap(\.names) }

  /// A freshly initialised network in training mode, its convolution weights channels-last.
  public func network(classes: Int, inputChannels: Int = 3, generator: Generator) -> Network {
    let network = builder(classes, inputChannels, generator)
    network.move(to: .cpu)
    return network
  }
}

// MARK: - Facts

extension Architecture {
  private struct Key: Hashable {
    let name: String
    let image: [Int]
  }

  private static let known = Mutex<[Key: NetworkFacts]>([:])

  /// What is known of the network for images of a shape, found out once. Images smaller than it can take have the facts of
  /// a network of no activations.
  package func facts(image: [Int]) -> NetworkFacts {
    let key = Key(name: name, image: image)
    if let facts = Architecture.known.withLock({ $0[key] }) { return facts }
    // One class costs least, and the rest follows from it.
    let network = builder(1, image[0], .undrawn)
    let graph = [0, 1].lazy.compactMap { size in
      // An empty batch costs nothing, but not all code can take one.
      try? Graph(tracing: image, state: network.state, batchSize: size, network.forward)
    }.first
    let facts =
      graph.map { NetworkFacts(name: name, $0, parameters: network.parameterCount) }
      ?? NetworkFacts(name: name, parameters: network.parameterCount)
    Architecture.known.withLock { $0[key] = facts }
    return facts
  }

  /// What the network gives for images of a shape; for no number of classes it has no logits.
  public func description(
    classes: Int?, image: (channels: Int, height: Int, width: Int)
  ) -> NetworkDescription {
    facts(image: [image.channels, image.height, image.width]).description(classes: classes)
  }

  /// The names of the places whose activations can be compared, from input to output.
  public var taps: [String] { facts(image: usualImage(channels: 3)).taps }

  /// The trained numbers: convolutions, batch normalisations' scales and shifts, and the classifier.
  public func parameterCount(classes: Int, inputChannels: Int) -> Int {
    facts(image: usualImage(channels: inputChannels)).cost(classes: classes).parameters
  }

  /// The multiply-adds of one image's forward pass in convolutions and the classifier.
  public func multiplyAdds(classes: Int, inputChannels: Int, inputHeight: Int, inputWidth: Int) -> Int {
    facts(image: [inputChannels, inputHeight, inputWidth]).cost(classes: classes).multiplyAdds
  }

  /// The names of the weights that read the images, and of the layer that makes the logits: the same in all of a family.
  package var ends: (stem: String, classifier: String) {
    let first = family.names.first.flatMap { Architecture(name: $0) } ?? self
    let facts = first.facts(image: usualImage(channels: 3))
    return (facts.stem, facts.classifier)
  }

  private func usualImage(channels: Int) -> [Int] { [channels, family.imageSize, family.imageSize] }
}
