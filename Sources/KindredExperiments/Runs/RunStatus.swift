// How far runs have come, as their folders tell it: for whoever looks from outside.

import Files
import Foundation
import Kindred

/// Where a run stands.
package struct RunStatus: Sendable, Equatable {
  /// What it does.
  package enum State: String, Sendable, Encodable {
    /// Nothing has been done of it.
    case waiting
    /// A process works on it.
    case running
    /// It was begun, and no process works on it.
    case stopped
    case finished
  }

  /// Its configuration's name and its seed.
  package let name: String
  package let state: State
  package let epochsDone: Int
  package let epochs: Int
  /// The last epoch's weighted loss.
  package let loss: Double?
  /// The last evaluation's.
  package let accuracyPercent: Double?
  /// What the epochs that are left take at the last one's pace, without evaluations.
  package let secondsLeft: Double?

  /// - Parameter planned: the run's settings, where it may not have begun; its folder's otherwise.
  /// - Throws: `ConfigurationError` where the folder's cannot be read.
  init(_ folder: RunFolder, planned: Configuration? = nil) throws {
    let isBegun = FileManager.default.fileExists(atPath: folder.configuration.path)
    let settings = if let planned, !isBegun { planned } else { try Configuration.load(file: folder.configuration) }
    let reports = (try? MetricsLog(folder, before: .max))?.epochs ?? []
    let result = try? folder.readResult()
    name = "\(settings.name) \(settings.repetition.replacing("-", with: " "))"
    if result != nil {
      state = .finished
    } else if !isBegun {
      state = FolderLock.isHeld(folder.url) ? .running : .waiting
    } else {
      state = FolderLock.isHeld(folder.url) ? .running : .stopped
    }
    epochs = result?.epochs ?? settings.training.epochs
    epochsDone = reports.last?.epoch ?? 0
    loss = reports.last?.terms[Objective.totalID]
    accuracyPercent = result?.accuracyPercent ?? reports.last { $0.accuracyPercent != nil }?.accuracyPercent
    secondsLeft = reports.last.map { last in
      let epoch = Double(settings.batchesPerEpoch * settings.training.batchSize) / last.imagesPerSecond
      return result == nil ? epoch * Double(settings.training.epochs - last.epoch) : 0
    }
  }

  /// The runs of a place: a run's folder, a folder of runs, or the file of a study or a configuration, whose runs lie in `runs`.
  /// - Throws: `RunError` where there is none; `ConfigurationError` for a file with a mistake.
  package static func all(at place: URL, runs: URL) throws -> [RunStatus] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) else {
      throw RunError("there is no run, folder of runs or study \(place.displayName)")
    }
    guard isFolder.boolValue else {
      let comparison = try Comparison(Study.load(file: place).rows, runs: runs, library: ImageLibrary())
      return try comparison.jobs.map { try RunStatus($0.folder, planned: $0.settings) }
    }
    let found = try RunFolder.all(in: place).map { try RunStatus($0) }
    guard !found.isEmpty else { throw RunError("\(place.displayName) holds no run") }
    return found
  }
}

extension RunFolder {
  /// The run in a folder, or all those in it, by name.
  package static func all(in place: URL) -> [RunFolder] {
    if FileManager.default.fileExists(atPath: RunFolder(place).configuration.path) { return [RunFolder(place)] }
    return below(place, depth: 3).sorted { $0.url.path < $1.url.path }
  }

  private static func below(_ place: URL, depth: Int) -> [RunFolder] {
    guard depth > 0 else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    return names.filter { !$0.hasPrefix(".") }.flatMap { name -> [RunFolder] in
      let folder = RunFolder(place.appending(path: name))
      let isRun = FileManager.default.fileExists(atPath: folder.configuration.path)
      return isRun ? [folder] : below(folder.url, depth: depth - 1)
    }
  }
}
