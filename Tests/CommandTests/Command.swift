// Runs the built `kindred` as its users do: another process, its output and its exit status.

import Foundation
import TestSupport
import Testing

/// The built command.
enum Command {
  /// Runs to the end.
  static func run(_ arguments: String..., in folder: URL) throws -> Child.Finished {
    try start(arguments, in: folder).wait()
  }

  /// A process that can be signalled.
  /// - Parameter reporting: whether runs end with their report as they usually do; it takes as long as a tiny run.
  static func start(_ arguments: [String], in folder: URL, reporting: Bool = false) throws -> Child {
    let reports = ["train", "distill", "compare", "run"].contains(arguments.first)
    return try Child(binary(), arguments + (reports && !reporting ? ["--no-report"] : []), in: folder)
  }

  /// Runs until a file is there, and kills it then.
  static func kill(_ arguments: [String], in folder: TestFolder, onceThereIs file: String) throws {
    let process = try start(arguments, in: folder.url)
    while process.isRunning, !folder.has(file) { usleep(1_000) }
    process.send(SIGKILL)
    _ = process.wait()
  }

  /// Runs lines of a shell, to which the command is known as `kindred`.
  static func shell(_ script: String, in folder: URL) throws -> Child.Finished {
    let line = "kindred() { '\(try binary().path)' \"$@\"; }\n\(script)"
    return try Child(URL(filePath: "/bin/sh"), ["-c", line], in: folder).wait()
  }

  /// A binary that was built with this test: in the folder of the test bundle.
  static func binary(_ name: String = "kindred") throws -> URL {
    let candidates =
      Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
      + [URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()]
    let binaries = candidates.map { $0.appending(path: name) }
    return try #require(binaries.first { FileManager.default.isExecutableFile(atPath: $0.path) })
  }
}
