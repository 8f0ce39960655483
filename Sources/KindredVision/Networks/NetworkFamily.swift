// What the catalogue knows of a family of networks.

import Graph
import Kindred
import Torch

/// Makes a freshly initialised network for so many classes and channels of images, in training mode.
typealias NetworkBuilder = @Sendable (_ classes: Int, _ inputChannels: Int, _ generator: Generator) -> Network

/// Networks of one kind that differ in depth or width.
public struct NetworkFamily: Sendable {
  /// What the networks are.
  public let title: String
  /// The paper, and the code whose names, structure and initialisation they have.
  public let source: String
  /// The usual side length of their images.
  public let imageSize: Int
  /// The names worth offering.
  public let names: [String]
  /// What makes the network of a name; nil for a name of another family.
  let builder: @Sendable (_ name: String) -> NetworkBuilder?

  init(
    title: String, source: String, imageSize: Int, names: [String],
    builder: @escaping @Sendable (_ name: String) -> NetworkBuilder?
  ) {
    self.title = title
    self.source = source
    self.imageSize = imageSize
    self.names = names
    self.builder = builder
  }

  /// A family of just these networks.
  init<Settings: Sendable>(
    title: String, source: String, imageSize: Int, members: KeyValuePairs<String, Settings>,
    make:
      @escaping @Sendable (
        _ settings: Settings, _ classes: Int, _ inputChannels: Int, _ generator: Generator
      ) -> Network
  ) {
    let settings = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
    self.init(title: title, source: source, imageSize: imageSize, names: members.map { $0.key }) { name in
      guard let own = settings[name] else { return nil }
      return { classes, inputChannels, generator in make(own, classes, inputChannels, generator) }
    }
  }
}

/// The names of places whose activations can be compared.
///
/// - `stem`: the first convolution's output, after its batch norm and ReLU where these follow it at once.
/// - `stage1`, `stage2` and so on: the output of each stage, as each network documents it.
/// - `stage1.pre` and so on: what the ReLU after each stage sees.
/// - `last`: the last map, after its ReLU.
/// - `pooled`: its mean over the image, which the classifier works on.
enum TapName {
  static let stem = "stem"
  static let last = "last"

  static func stage(_ number: Int) -> String { "stage\(number)" }
  static func preActivation(_ stage: String) -> String { "\(stage).pre" }
}

extension Taps {
  /// Names the last map, and its mean over the image, which the classifier works on.
  func pool(last map: Tensor) -> Tensor {
    self[TapName.last] = map
    let pooled = map.averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    self[Activations.pooledName] = pooled
    return pooled
  }
}

extension Network {
  /// He et al.'s normal initialisation by fan out, variance 2 / (K K Cout), in PyTorch's order of modules.
  func initializeConvolutions(_ generator: Generator) {
    for case let convolution as Convolution in modules {
      let fanOut = Double(convolution.kernel * convolution.kernel * convolution.weight.shape[0])
      generator.fillNormal(convolution.weight, deviation: (2 / fanOut).squareRoot())
    }
  }
}
