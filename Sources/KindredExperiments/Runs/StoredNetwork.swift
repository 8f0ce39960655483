// A network read back from a run or from a file of weights.

import Foundation
import Kindred
import KindredVision
import Torch

/// A network with its weights, in evaluation mode.
package struct StoredNetwork {
  package let network: Network
  /// What it is called: a name of the zoo, or its ONNX file's.
  package let name: String
  package let classes: Int
  package let inputChannels: Int
  /// The data set that the weights' file says it was trained on.
  package let data: String?
  /// The settings of the run it comes from, where it comes from one.
  package let settings: Configuration?
  /// Which of a run's weights they are, and what had to be done to the file's names, in one line; nil for nothing.
  package let remark: String?
  /// The file that they were read from.
  let weights: URL

  /// - Parameters:
  ///   - url: a run's folder or a safetensors file of weights.
  ///   - name: the network's name, for files that do not say it themselves.
  ///   - wanted: which weights of a run.
  /// - Throws: `RunError` where there is no such file, the network is not known or the weights do not fit it or are broken;
  ///   `TensorFileError` for a damaged file; `ConfigurationError` for a run's folder that is damaged.
  package init(_ url: URL, network name: String? = nil, of wanted: RunWeights = .last) throws {
    let file = try WeightsFile(url, of: wanted)
    weights = file.url
    settings = file.url == url ? nil : try Configuration.load(file: RunFolder(url).configuration)
    data = file.metadata["data"]
    remark = file.remark
    if name == nil, let settings, settings.student.network.architecture == nil {
      self.name = settings.student.network.name
      (inputChannels, classes) = (settings.data.imageShape.channels, settings.data.classCount)
      network = file.withModules(around: try settings.makeStudent(Generator(seed: 0)))
    } else {
      guard let name = name ?? file.metadata["network"] else {
        throw RunError("\(file.name) does not say its network; name it, such as wrn-16-2")
      }
      let architecture = try Architecture(named: name)
      self.name = architecture.name
      (inputChannels, classes) = try file.ends(of: architecture)
      network = try file.network(architecture)
    }
    try file.load(into: network)
    network.freeze()
    network.evaluate()
  }
}

/// Loads weights into a network.
/// - Parameter url: a run's folder or a safetensors file of weights.
/// - Returns: what had to be done to the file's names, in one line; nil for nothing.
/// - Throws: `RunError` naming the file and the entry that does not fit or is broken; `TensorFileError` for a damaged file.
package func load(_ url: URL, into network: Network) throws -> String? {
  let file = try WeightsFile(url)
  try file.load(into: network)
  return file.remark
}

extension Architecture {
  /// The network of that name.
  /// - Throws: `RunError` with the nearest name there is.
  package init(named name: String) throws {
    guard let architecture = Architecture(name: name) else {
      let advice = Spelling.advice(
        for: name, among: Architecture.suggestedNames,
        else: "there are \(Architecture.suggestedNames.joined(separator: ", "))")
      throw RunError("there is no network '\(name)'; \(advice)")
    }
    self = architecture
  }
}
