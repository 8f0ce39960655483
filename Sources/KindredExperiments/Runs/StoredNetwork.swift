// A network read back from a run or from a file of weights.

import Foundation
import Kindred
import KindredVision
import Torch

/// A network with its weights, in evaluation mode.
public struct StoredNetwork {
  public let network: Network
  public let architecture: Architecture
  public let classes: Int
  public let inputChannels: Int
  /// The data set that the weights' file says it was trained on.
  public let data: String?
  /// The settings of the run it comes from, where it comes from one.
  public let settings: Configuration?

  /// - Parameters:
  ///   - url: a run's folder or a safetensors file of weights.
  ///   - name: the network's name, for files that do not say it themselves.
  /// - Throws: `RunError` where there is no such file, the network is not known or the weights do not fit it;
  ///   `SafetensorsError` for a damaged file.
  public init(_ url: URL, network name: String? = nil) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw RunError("there is no file or run \(ConfigurationFile.displayName(url))")
    }
    let folder = RunFolder(url)
    let file = isFolder.boolValue ? folder.weights : url
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw RunError("\(folder.name) holds no finished run (no weights.safetensors)")
    }
    settings = isFolder.boolValue ? try Configuration.load(file: folder.configuration) : nil
    architecture = try StoredNetwork.architecture(file, name)
    let header = try WeightsHeader(file, of: architecture)
    (classes, inputChannels) = (header.classes, header.inputChannels)
    data = try Safetensors.metadata(of: file)["data"]
    network = architecture.network(classes: classes, inputChannels: inputChannels, generator: Generator(seed: 0))
    try load(file, into: network)
    network.freeze()
    network.evaluate()
  }

  private static func architecture(_ file: URL, _ name: String?) throws -> Architecture {
    guard let name = try name ?? Safetensors.metadata(of: file)["network"] else {
      throw RunError("\(ConfigurationFile.displayName(file)) does not say its network; name it, such as wrn-16-2")
    }
    return try Architecture(named: name)
  }
}

/// What the header of a file of weights says of its network.
struct WeightsHeader {
  let inputChannels: Int
  let classes: Int

  /// - Throws: `RunError` where the file is not of such a network; `SafetensorsError` for a damaged one.
  init(_ file: URL, of architecture: Architecture) throws {
    let entries = try Safetensors.entries(of: file)
    // An axis of length 0 would let the others be of any length in a file of no size.
    guard let stem = entries["conv1.weight"]?.shape, stem.count == 4, !stem.contains(0),
      let head = entries["fc.weight"]?.shape, head.count == 2, !head.contains(0)
    else {
      throw RunError("\(ConfigurationFile.displayName(file)) does not hold the weights of a \(architecture)")
    }
    (inputChannels, classes) = (stem[1], head[0])
  }
}

extension Architecture {
  /// The network of that name.
  /// - Throws: `RunError` with the nearest name there is.
  public init(named name: String) throws {
    guard let architecture = Architecture(name: name) else {
      let advice = Spelling.advice(
        for: name, among: Architecture.suggestedNames,
        else: "there are \(Architecture.suggestedNames.joined(separator: ", "))")
      throw RunError("there is no network '\(name)'; \(advice)")
    }
    self = architecture
  }
}
