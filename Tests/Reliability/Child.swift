// The built `kindred` in a process of its own, which can be killed, watched and given a bad disk.

import Foundation

final class Child {
  struct Finished {
    /// The exit status, or minus the signal that ended it.
    let status: Int32
    let output: String
    let errors: String
  }

  private let process = Process()
  private let output: URL
  private let errors: URL

  /// - Parameter logs: the folder that takes its standard output and error.
  init(_ arguments: [String], in folder: URL, logs: URL, environment: [String: String] = [:]) throws {
    output = logs.appending(path: "output.txt")
    errors = logs.appending(path: "errors.txt")
    for file in [output, errors] { try Data().write(to: file) }
    process.executableURL = Child.program("kindred")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    do {
      try process.run()
    } catch {
      throw Failure("kindred cannot be started: \(error.localizedDescription); build it in the same configuration")
    }
  }

  /// What was built beside this program.
  static func program(_ name: String) -> URL {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: name)
  }

  var id: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }

  func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

  func wait() -> Finished {
    process.waitUntilExit()
    let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Finished(status: status, output: text(output), errors: text(errors))
  }

  private func text(_ file: URL) -> String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
}
