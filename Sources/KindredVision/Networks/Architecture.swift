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
  public static let suggested: [Architecture] = suggestedNames.compactMap { Architecture(name: $0) }

  /// Their names.
  public static let suggestedNames: [String] = Networks.families.flatMap(\.names)

  /// A freshly initialised network in training mode, its convolution weights channels-last.
  public func network(classes: Int, inputChannels: Int = 3, generator: Generator) -> Network {
    let network = builder(classes, inputChannels, generator)
    network.move(to: .cpu)
    return network
  }
}

// MARK: - Facts

extension Architecture {
  /// What is known of a network for images of a kind: told by its graph with one class, found out once.
  struct Facts: Sendable {
    let description: NetworkDescription
    /// From input to output.
    let taps: [String]
    let parameterCount: Int
    let multiplyAdds: Int
    /// The numbers that the classifier reads for each class.
    let classifierInputs: Int
    /// The names of the weights that read the images, and of the layer that makes the logits.
    let stem: String
    let classifier: String
  }

  private struct Key: Hashable {
    let name: String
    let image: [Int]
  }

  private static let known = Mutex<[Key: Facts]>([:])

  /// Images smaller than a network can take have the facts of no image: a network of no activations.
  func facts(image: [Int]) -> Facts {
    let key = Key(name: name, image: image)
    if let facts = Architecture.known.withLock({ $0[key] }) { return facts }
    let facts = Facts(of: self, image: image)
    Architecture.known.withLock { $0[key] = facts }
    return facts
  }

  /// What the network gives for images of a shape; for no number of classes it has no logits.
  public func description(
    classes: Int?, image: (channels: Int, height: Int, width: Int)
  ) -> NetworkDescription {
    var description = facts(image: [image.channels, image.height, image.width]).description
    description.classes = classes
    return description
  }

  /// The names of the places whose activations can be compared, from input to output.
  public var taps: [String] { facts(image: usualImage(channels: 3)).taps }

  /// The trained numbers: convolutions, batch normalisations' scales and shifts, and the classifier.
  public func parameterCount(classes: Int, inputChannels: Int) -> Int {
    let facts = facts(image: usualImage(channels: inputChannels))
    return facts.parameterCount + (classes - 1) * (facts.classifierInputs + 1)
  }

  /// The multiply-adds of one image's forward pass in convolutions and the classifier.
  public func multiplyAdds(classes: Int, inputChannels: Int, inputHeight: Int, inputWidth: Int) -> Int {
    let facts = facts(image: [inputChannels, inputHeight, inputWidth])
    return facts.multiplyAdds + (classes - 1) * facts.classifierInputs
  }

  /// The names of the weights that read the images, and of the layer that makes the logits: the same in all of a family.
  package var ends: (stem: String, classifier: String) {
    let first = family.names.first.flatMap { Architecture(name: $0) } ?? self
    let facts = first.facts(image: usualImage(channels: 3))
    return (facts.stem, facts.classifier)
  }

  private func usualImage(channels: Int) -> [Int] { [channels, family.imageSize, family.imageSize] }
}

extension Architecture.Facts {
  fileprivate init(of architecture: Architecture, image: [Int]) {
    let network = architecture.builder(1, image[0], .undrawn)
    let graph = try? Graph(tracing: image, state: network.state, batchSize: 0, network.forward)
    description =
      graph.map { NetworkDescription(name: architecture.name, $0) }
      ?? NetworkDescription(name: architecture.name, classes: nil, taps: [:])
    taps = graph?.taps.map(\.name) ?? []
    parameterCount = network.parameterCount
    multiplyAdds = graph?.multiplyAdds ?? 0
    classifierInputs = network.classifier?.weight.shape[1] ?? 0
    stem = graph?.nodes.first { $0.inputs.first == graph?.input }?.inputs[1] ?? ""
    let head = graph?.nodes.last { $0.outputs.first == graph?.logits }?.inputs[1] ?? ""
    classifier = head.hasSuffix(".weight") ? String(head.dropLast(".weight".count)) : head
  }
}
