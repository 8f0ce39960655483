// Commands that are printed to be pasted into a shell.

import Synchronization

/// A command line, each word quoted where a shell would make something else of it.
package enum ShellCommand {
  /// What the command itself is called: a program of somebody's own says it once, before anything is printed.
  package static var program: String {
    get { name.withLock { $0 } }
    set { name.withLock { $0 = newValue } }
  }

  private static let name = Mutex("kindred")

  package static func line(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }

  private static func quoted(_ word: String) -> String {
    let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=+,:".contains($0) }
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
