// A teacher that is one of Kindred's own networks: its file of weights, and whether it fits before it is loaded.

import Foundation
import Kindred
import KindredVision
import Torch

/// A teacher's network and its file of weights, checked by the file's header alone.
struct TeacherWeights {
  let architecture: Architecture
  let description: NetworkDescription
  let file: WeightsFile
  /// - Parameter weights: a safetensors file, or the folder of a finished run.
  /// - Throws: `RunError` or `TensorFileError`: no file, a damaged one, another network, other inputs.
  init(_ architecture: Architecture, weights: URL, for settings: Configuration) throws {
    let file: WeightsFile
    let run = try? Configuration.load(file: RunFolder(weights).configuration)
    if let run, run.data.trains(onTestOf: settings.data) {
      throw RunError(
        "teacher.weights: \(weights.displayName) was trained on images that the student is measured on: they are divided "
          + "into training and test images in another way (data.split, data.held_out)")
    }
    do {
      file = try WeightsFile(weights)
    } catch let error as RunError {
      throw RunError("teacher.weights: \(error)")
    }
    try self.init(architecture, file: file, for: settings)
  }

  /// - Parameters:
  ///   - made: the run that makes the teacher.
  ///   - runs: the folder of runs in which that run is looked for.
  /// - Throws: as above, and `ConfigurationError` for a run that this student cannot learn from.
  init(
    _ architecture: Architecture, madeBy made: Configuration.TeacherRun, runs: URL, for settings: Configuration
  ) throws {
    let run = try settings.teacherRun(made)
    try settings.check(teacher: run)
    let folder = TeacherWeights.folder(of: run, in: runs)
    guard WeightsFile.location(folder.url) != nil else {
      let settings = made.overrides + (run.data.split.map { ["data.split=\($0)"] } ?? [])
      let command =
        [
          ShellCommand.program, run.teacher == nil ? "train" : "distill", made.file.url.displayName, "--out",
          folder.name,
        ] + settings.flatMap { ["--set", $0] }
      throw RunError(
        "teacher: \(run.name) is not trained yet (no finished run in \(folder.name)); first run: "
          + ShellCommand.line(command))
    }
    try self.init(architecture, file: WeightsFile(folder.url), for: settings)
  }

  private init(_ architecture: Architecture, file: WeightsFile, for settings: Configuration) throws {
    self.architecture = architecture
    self.file = file
    let (inputChannels, classes) = try file.ends(of: architecture)
    description = architecture.description(classes: classes, image: settings.data.teacherShape)
    let channels = settings.data.teacherShape.channels
    guard inputChannels == channels else {
      throw RunError(
        "teacher: \(file.name) takes images of \(inputChannels) channels, but "
          + "\(settings.data.name) has \(channels)")
    }
  }

  /// The network with its weights.
  func network() throws -> Network {
    let network = try file.network(architecture)
    try file.load(into: network)
    return network
  }

  /// The folder, below `runs`, of the run that a configuration makes.
  static func folder(of settings: Configuration, in runs: URL) -> RunFolder {
    RunFolder(runs.appending(path: "\(settings.name)/\(settings.repetition)"))
  }
}
