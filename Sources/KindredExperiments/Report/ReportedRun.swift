// A run as a report finds it: what its folder says, finished or not.

import Foundation
import Kindred

/// A run, read from its folder.
struct ReportedRun {
  /// What pairs runs of two rows: they share their seed and their images' split.
  struct Pairing: Hashable {
    let split: Int?
    let seed: UInt64
  }

  let folder: RunFolder
  let settings: Configuration
  /// nil for a run that is not finished.
  let result: RunResult?
  let epochs: [LoggedEpoch]

  /// - Throws: `RunError`, `ConfigurationError` for a folder that holds no run, or a damaged one.
  init(_ folder: RunFolder) throws {
    switch try folder.state() {
    case .empty: throw RunError("\(folder.name) holds no run")
    case .unfinished(let settings): (self.settings, result) = (settings, nil)
    case .finished(let settings, let result): (self.settings, self.result) = (settings, result)
    }
    self.folder = folder
    epochs = try MetricsLog(folder, before: .max).epochs
  }

  var pairing: Pairing { Pairing(split: settings.data.split, seed: settings.training.seed) }

  /// In percent.
  var accuracy: Double? { result?.accuracyPercent }

  /// Its row's name and what tells it from the row's others.
  var title: String { "\(settings.name) \(repetition)" }

  var repetition: String { settings.repetition.replacing("-", with: " ") }

  /// The command that does it again.
  var command: String {
    ShellCommand.line([
      ShellCommand.program, settings.teacher == nil ? "train" : "distill", folder.configuration.displayName, "--out",
      folder.name + "-again",
    ])
  }
}
