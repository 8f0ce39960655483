// Runs the built `kindred` as its users do: another process, its output and its exit status.

import Foundation
import Testing

/// The built command.
enum Command {
  /// A finished process.
  struct Finished {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs to the end.
  static func run(_ arguments: String..., in folder: URL) throws -> Finished {
    let process = try Running(arguments, in: folder)
    return process.wait()
  }

  /// Runs lines of a shell, to which the command is known as `kindred`.
  static func shell(_ script: String, in folder: URL) throws -> Finished {
    let line = "kindred() { '\(try binary().path)' \"$@\"; }\n\(script)"
    return try Running(["-c", line], in: folder, program: URL(filePath: "/bin/sh")).wait()
  }

  /// A process that can be signalled.
  final class Running {
    private let process = Process()
    private let output: URL
    private let errors: URL

    init(_ arguments: [String], in folder: URL, program: URL? = nil) throws {
      let id = UUID().uuidString
      output = folder.appending(path: "output-\(id)")
      errors = folder.appending(path: "errors-\(id)")
      for file in [output, errors] { try Data().write(to: file) }
      process.executableURL = try program ?? Command.binary()
      process.arguments = arguments
      process.currentDirectoryURL = folder
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      try process.run()
    }

    var isRunning: Bool { process.isRunning }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func wait() -> Finished {
      process.waitUntilExit()
      let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
      return Finished(status: status, output: text(output), errors: text(errors))
    }

    private func text(_ file: URL) -> String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
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

/// A folder of its own for one test, removed with it.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "kindred-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a text file.
  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: url.appending(path: name))
  }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url.appending(path: name).path) }

  /// A run small enough to take seconds.
  func writeTinyRuns() throws {
    try write(
      """
      data: {set: textures, train_images: 160, test_images: 40}
      student: {network: resnet-8}
      training: {epochs: 3, batch_size: 32, threads: 1, optimizer: {name: sgd, learning_rate: 0.02}}
      """, to: "plain.yaml")
    try write("extends: plain.yaml\ntraining: {epochs: 1}\n", to: "teacher.yaml")
    try write(
      """
      extends: plain.yaml
      teacher: {config: teacher.yaml}
      losses:
        kd: {alpha: 0.5, temperature: 4}
        sp: {weight: auto, calibration_batches: 2}
        hint: {weight: 0.1}
      """, to: "student.yaml")
  }
}
