// A program in a process of its own, which can be killed, watched and given a bad disk.

import Foundation

package final class Child {
  package struct Finished {
    /// The exit status, or minus the signal that ended it.
    package let status: Int32
    package let output: String
    package let errors: String
  }

  private let process = Process()
  private let output = namelessFile()
  private let errors = namelessFile()

  package init(
    _ program: URL, _ arguments: [String], in folder: URL, environment: [String: String] = [:]
  ) throws {
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
  }

  package var id: Int32 { process.processIdentifier }
  package var isRunning: Bool { process.isRunning }

  package func send(_ signal: Int32) { kill(id, signal) }

  /// Waits for its end.
  package func wait() -> Finished {
    process.waitUntilExit()
    let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Finished(status: status, output: text(output), errors: text(errors))
  }

  private func text(_ file: FileHandle) -> String {
    try? file.seek(toOffset: 0)
    return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
  }
}

/// A file that no folder shows and that goes when it is closed: a pipe would fill up while nobody reads.
private func namelessFile() -> FileHandle {
  guard let file = tmpfile() else { fatalError("no temporary file can be made") }
  defer { fclose(file) }
  return FileHandle(fileDescriptor: dup(fileno(file)), closeOnDealloc: true)
}
