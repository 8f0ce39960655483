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
  /// - Parameters:
  ///   - title: what the networks are.
  ///   - source: the paper, and the code whose names, structure and initialisation they have.
  ///   - imageSize: the usual side length of their images.
  ///   - members: what tells the networks apart, such as a width, by their names.
  ///   - make: gives a freshly initialised network of one of these settings, its weights drawn from the generator.
  public init<Settings: Sendable>(
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

extension Taps {
  /// Runs a stage's blocks with a ReLU after each, and names what the last one gives, after its ReLU and before. A stage
  /// of number 0 has no name.
  func run(
    stage number: Int, _ blocks: [any Layer], on input: Tensor, relu: (Tensor) -> Tensor = { $0.relu() }
  ) -> Tensor {
    var (sum, output) = (input, input)
    for block in blocks {
      sum = block(output)
      output = relu(sum)
    }
    guard number > 0 else { return output }
    let name = TapName.stage(number)
    self[name] = output
    self[TapName.preActivation(name)] = sum
    return output
  }
}

extension Convolution {
  /// As networks with batch norms have them: without bias, and padded so that a stride of 1 keeps the image's size.
  convenience init(
    unbiased inputs: Int, _ outputs: Int, kernel: Int = 1, stride: Int = 1, groups: Int = 1, _ generator: Generator
  ) {
    self.init(
      inputs, outputs, kernel: kernel, .init(stride: stride, padding: kernel / 2, groups: groups), bias: false,
      generator: generator)
  }

  /// One 3 x 3 filter for each channel.
  convenience init(depthwise channels: Int, stride: Int = 1, _ generator: Generator) {
    self.init(unbiased: channels, channels, kernel: 3, stride: stride, groups: channels, generator)
  }
}

extension Network {
  /// He et al.'s normal initialisation by fan out, variance 2 / (K K Cout), in PyTorch's order of modules.
  /// - Parameters:
  ///   - perGroup: Cout is that of one group, 1 for a filter of one channel.
  ///   - linearDeviation: of the linear layers' weights, which are drawn in the same pass, with bias 0; nil keeps theirs.
  func initializeConvolutions(_ generator: Generator, perGroup: Bool = false, linearDeviation: Double? = nil) {
    for module in modules {
      if let convolution = module as? Convolution {
        let outputs = convolution.weight.shape[0] / (perGroup ? convolution.options.groups : 1)
        let fanOut = Double(convolution.kernel * convolution.kernel * outputs)
        generator.fillNormal(convolution.weight, deviation: (2 / fanOut).squareRoot())
        withoutGradients { convolution.bias?.fillInPlace(0) }
      } else if let linear = module as? Linear, let linearDeviation {
        generator.fillNormal(linear.weight, deviation: linearDeviation)
        withoutGradients { linear.bias.fillInPlace(0) }
      }
    }
  }
}

extension Int {
  /// The multiple of 8 nearest to a number of channels, at least 8, and never a tenth below it.
  static func eights(near channels: Double) -> Int {
    let nearest = Swift.max(8, Int(channels + 4) / 8 * 8)
    return Double(nearest) < 0.9 * channels ? nearest + 8 : nearest
  }
}
