// PyTorch itself, where the machine has Python: for files that are too large or too particular to be committed.

import Foundation

package enum Python {
  /// Why it is not there; nil where it is.
  package static let obstacle: String? =
    path == nil
    ? "needs PyTorch: run 'make test', or set KINDRED_PYTHONPATH to what Scripts/setup-python.sh prints" : nil

  private static var path: String? {
    ProcessInfo.processInfo.environment["KINDRED_PYTHONPATH"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Runs `python3` with these arguments, such as a script and its own.
  /// - Parameter cache: where PyTorch may keep what it compiles.
  /// - Throws: what was said, where it failed.
  package static func run(
    _ arguments: [String], cache: URL = FileManager.default.temporaryDirectory
  ) throws {
    let words = FileManager.default.temporaryDirectory.appending(path: "kindred-python-\(UUID().uuidString).txt")
    try Data().write(to: words)
    defer { try? FileManager.default.removeItem(at: words) }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-W", "ignore"] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PYTHONPATH": path ?? "", "TORCHINDUCTOR_CACHE_DIR": cache.path,
      // Empty is unset: to compile PyTorch's sources takes far longer than to load them.
      "PYTHONDONTWRITEBYTECODE": "",
    ]) { $1 }
    let output = try FileHandle(forWritingTo: words)
    process.standardOutput = output
    process.standardError = output
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "python3 failed: " + ((try? String(contentsOf: words, encoding: .utf8)) ?? ""))
    }
  }

  struct Failure: Error, CustomStringConvertible { let description: String }
}
