// The programs that are measured, and what was built beside this one.

import Foundation
import TestSupport

/// Starts `kindred`.
func kindred(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws -> Child {
  do {
    return try Child(built("kindred"), arguments, in: folder, environment: environment)
  } catch {
    throw Failure("kindred cannot be started: \(error.localizedDescription); build it in the same configuration")
  }
}

/// What was built beside this program.
func built(_ name: String) -> URL {
  URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: name)
}
