// What the tests of configurations share.

import Foundation
import KindredExperiments
import TestSupport

extension TestFolder {
  func load(_ name: String = "run.yaml", _ overrides: String...) throws -> Configuration {
    try Configuration.load(file: url.appending(path: name), overrides: Overrides(overrides))
  }

  /// The message of the mistake in a configuration.
  func mistake(_ name: String = "run.yaml", _ overrides: String...) -> String? {
    mistake { try Configuration.load(file: url.appending(path: name), overrides: Overrides(overrides)) }
  }

  /// The message of what `body` throws, without the folder's name.
  func mistake(_ body: () throws -> Any) -> String? {
    do {
      _ = try body()
      return nil
    } catch {
      return "\(error)".replacing(url.standardizedFileURL.path(percentEncoded: false) + "/", with: "")
    }
  }
}

/// The settings without which nothing loads.
let smallest = "data: {set: cifar-10}\nstudent: {network: wrn-16-1}\n"

/// The smallest configuration with a teacher; one line a section.
let distilling = smallest + "teacher: {network: wrn-16-2, weights: teacher.safetensors}\n"

extension Configuration {
  /// The configuration in a text, in a folder of its own.
  static func reading(_ text: String, _ overrides: String...) throws -> Configuration {
    let folder = try TestFolder(["run.yaml": text])
    return try withExtendedLifetime(folder) {
      try Configuration.load(file: folder.url.appending(path: "run.yaml"), overrides: Overrides(overrides))
    }
  }
}
