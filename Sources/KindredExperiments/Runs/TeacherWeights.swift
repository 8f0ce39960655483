// Where a run's teacher comes from, and whether it fits before anything is loaded.

import Foundation
import Kindred
import KindredVision
import Torch

/// A teacher's network and its file of weights, checked by the file's header alone.
struct TeacherWeights {
  let architecture: Architecture
  let file: URL
  private let header: WeightsHeader

  /// - Parameter runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  /// - Throws: `RunError` or `SafetensorsError`: no teacher yet, a damaged file, another network, other inputs.
  init(_ teacher: Configuration.Teacher, for settings: Configuration, runs: URL) throws {
    architecture = teacher.network
    if case .configuration(let url) = teacher.source { try settings.check(teacher: Configuration.load(file: url)) }
    file = try TeacherWeights.file(teacher.source, runs: runs)
    header = try WeightsHeader(file, of: architecture)
    try checkFit(settings)
  }

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

  private static func file(_ source: Configuration.Teacher.Source, runs: URL) throws -> URL {
    switch source {
    case .weights(let url):
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
        throw RunError("teacher.weights: there is no file or run \(ConfigurationFile.displayName(url))")
      }
      return isFolder.boolValue ? try finished(RunFolder(url)) : url
    case .configuration(let url):
      let settings = try Configuration.load(file: url)
      let folder = TeacherWeights.folder(of: settings, in: runs)
      guard FileManager.default.fileExists(atPath: folder.weights.path) else {
        throw RunError(
          "teacher: \(settings.name) is not trained yet (no finished run in \(folder.name)); first run: "
            + "kindred train \(ConfigurationFile.displayName(url)) --out \(folder.name)")
      }
      return folder.weights
    }
  }

  private static func finished(_ folder: RunFolder) throws -> URL {
    guard FileManager.default.fileExists(atPath: folder.weights.path) else {
      throw RunError("teacher.weights: \(folder.name) holds no finished run (no weights.safetensors)")
    }
    return folder.weights
  }

  /// Refuses a teacher that cannot see the student's images, or for `kd` one of other classes.
  private func checkFit(_ settings: Configuration) throws {
    let name = ConfigurationFile.displayName(file)
    let channels = settings.data.set.imageShape.channels
    guard header.inputChannels == channels else {
      throw RunError(
        "teacher: \(name) takes images of \(header.inputChannels) channels, but \(settings.data.set.rawValue) has "
          + "\(channels)")
    }
    guard settings.losses.kd == nil || header.classes == settings.data.set.classCount else {
      throw RunError(
        "losses.kd: needs a teacher with the student's \(settings.data.set.classCount) classes, but \(name) has "
          + "\(header.classes); use sp, at or hint")
    }
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
