// Files that PyTorch exports while the tests run: compiled packages fit one machine only and cannot be committed.

import Foundation

/// The folder that Tests/Golden/make_teachers.py fills, made once for all tests of a process.
package enum ExportedFiles {
  /// Why there are no such files here; nil where they can be made.
  package static let obstacle: String? = {
    guard pythonPath != nil else {
      return "needs PyTorch: run 'make test', or set KINDRED_PYTHONPATH to what Scripts/setup-python.sh prints"
    }
    return isOnPath("g++") || isOnPath("clang++") ? nil : "needs a C++ compiler, with which PyTorch makes packages"
  }()

  /// One of the files.
  /// - Throws: what the script said, where it failed.
  package static func file(_ name: String) throws -> URL { try made.get().appending(path: name) }

  private static let made = Result { try make() }

  private static var pythonPath: String? {
    ProcessInfo.processInfo.environment["KINDRED_PYTHONPATH"].flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func isOnPath(_ program: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
  }

  private static func make() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindred-teachers-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    atexit { ExportedFiles.remove() }
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Golden/make_teachers.py")
    let words = folder.appending(path: "words.txt")
    try Data().write(to: words)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script.standardizedFileURL.path, folder.path]
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PYTHONPATH": pythonPath ?? "", "TORCHINDUCTOR_CACHE_DIR": folder.appending(path: "cache").path,
      "PYTHONDONTWRITEBYTECODE": "1",
    ]) { $1 }
    let output = try FileHandle(forWritingTo: words)
    process.standardOutput = output
    process.standardError = output
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        description: "make_teachers.py failed: " + ((try? String(contentsOf: words, encoding: .utf8)) ?? ""))
    }
    return folder
  }

  private static func remove() {
    if let folder = try? made.get() { try? FileManager.default.removeItem(at: folder) }
  }

  struct Failure: Error, CustomStringConvertible { let description: String }
}
