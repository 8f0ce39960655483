// A teacher that is one of Kindred's own networks: its file of weights, and whether it fits before it is loaded.

import Foundation
import Kindred
import KindredVision
import Torch

/// A teacher's network and its file of weights, checked by the file's header alone.
struct TeacherWeights {
  let architecture: Architecture
  let description: TeacherDescription
  let file: URL
  private let header: WeightsHeader

  /// - Parameter weights: a safetensors file, or the folder of a finished run.
  /// - Throws: `RunError` or `SafetensorsError`: no file, a damaged one, another network, other inputs.
  init(_ architecture: Architecture, weights: URL, for settings: Configuration) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: weights.path, isDirectory: &isFolder) else {
      throw RunError("teacher.weights: there is no file or run \(ConfigurationFile.displayName(weights))")
    }
    let file = isFolder.boolValue ? try TeacherWeights.finished(RunFolder(weights)) : weights
    try self.init(architecture, file: file, for: settings)
  }

  /// - Parameters:
  ///   - configuration: the file of the run that makes the teacher.
  ///   - runs: the folder of runs in which that run is looked for.
  /// - Throws: as above, and `ConfigurationError` for a run that this student cannot learn from.
  init(_ architecture: Architecture, configuration: URL, runs: URL, for settings: Configuration) throws {
    let run = try Configuration.load(file: configuration)
    try settings.check(teacher: run)
    let folder = TeacherWeights.folder(of: run, in: runs)
    guard FileManager.default.fileExists(atPath: folder.weights.path) else {
      throw RunError(
        "teacher: \(run.name) is not trained yet (no finished run in \(folder.name)); first run: "
          + "kindred train \(ConfigurationFile.displayName(configuration)) --out \(folder.name)")
    }
    try self.init(architecture, file: folder.weights, for: settings)
  }

  private init(_ architecture: Architecture, file: URL, for settings: Configuration) throws {
    self.architecture = architecture
    self.file = file
    header = try WeightsHeader(file, of: architecture)
    description = architecture.description(classes: header.classes, image: settings.data.set.imageShape)
    let channels = settings.data.set.imageShape.channels
    guard header.inputChannels == channels else {
      throw RunError(
        "teacher: \(ConfigurationFile.displayName(file)) takes images of \(header.inputChannels) channels, but "
          + "\(settings.data.set.rawValue) has \(channels)")
    }
  }

  /// SHA-256 of the file.
  func fingerprint() throws -> String { try Digest.sha256.hex(of: file) }

  /// The network with its weights.
  func network() throws -> Network {
    // The seed does not matter: every weight is replaced.
    let network = architecture.network(
      classes: header.classes, inputChannels: header.inputChannels, generator: Generator(seed: 0))
    try load(file, into: network)
    return network
  }

  /// The folder, below `runs`, of the run that a configuration makes.
  static func folder(of settings: Configuration, in runs: URL) -> RunFolder {
    RunFolder(runs.appending(path: "\(settings.name)/seed-\(settings.training.seed)"))
  }

  private static func finished(_ folder: RunFolder) throws -> URL {
    guard FileManager.default.fileExists(atPath: folder.weights.path) else {
      throw RunError("teacher.weights: \(folder.name) holds no finished run (no weights.safetensors)")
    }
    return folder.weights
  }
}

/// Loads a file of weights into a network.
/// - Throws: `RunError` naming the file and the entry that does not fit; `SafetensorsError` for a damaged file.
public func load(_ file: URL, into network: Network) throws {
  let weights = try Safetensors.read(file).tensors
  do {
    try network.load(weights)
  } catch let error as StateError {
    throw RunError("\(ConfigurationFile.displayName(file)) does not fit the network: \(error)")
  }
}
