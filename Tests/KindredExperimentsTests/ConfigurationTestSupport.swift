import Foundation
import KindredExperiments
import Testing

/// A folder of configuration files that goes when the test ends.
final class ConfigurationFolder {
  let url: URL

  init(_ files: [String: String] = [:]) throws {
    url = URL(filePath: NSTemporaryDirectory()).appending(path: "configuration-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, text) in files { try write(text, to: name) }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, to name: String) throws {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func load(_ name: String = "run.yaml", _ overrides: String...) throws -> Configuration {
    try Configuration.load(file: url.appending(path: name), overrides: overrides)
  }

  /// The message of the mistake in a file, without the folder's name.
  func mistake(_ name: String = "run.yaml", _ overrides: String...) -> String? {
    do {
      _ = try Configuration.load(file: url.appending(path: name), overrides: overrides)
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
    let folder = try ConfigurationFolder(["run.yaml": text])
    return try Configuration.load(file: folder.url.appending(path: "run.yaml"), overrides: overrides)
  }
}
