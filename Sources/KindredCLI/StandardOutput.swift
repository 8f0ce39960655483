// What a command prints, and how it ends where that cannot be printed.

import Files
import Foundation
import KindredExperiments

enum StandardOutput {
  /// Prints all at once. A reader that has gone, such as `head`, has had what it wanted.
  /// - Throws: `RunError`, such as for a full disk.
  static func write(_ text: String) throws {
    do throws(SystemError) {
      try AtomicFile.write(Data(text.utf8), to: STDOUT_FILENO)
    } catch {
      guard error.code == EPIPE else { throw RunError("standard output cannot be written: \(error)") }
    }
  }
}

/// Prints to standard output, all at once. Where that cannot be written to, such as on a full disk, the command ends.
func output(_ text: String, terminator: String = "\n") {
  do {
    try StandardOutput.write(text + terminator)
  } catch {
    KindredCommand.exit(withError: error)
  }
}
