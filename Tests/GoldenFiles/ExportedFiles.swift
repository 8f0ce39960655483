// Files that PyTorch exports while the tests run: compiled packages fit one machine only and cannot be committed.

import Foundation

/// The folder that Tests/Golden/make_teachers.py fills, made once for all tests of a process.
package enum ExportedFiles {
  /// Why there are no such files here; nil where they can be made.
  package static let obstacle: String? = {
    if let obstacle = Python.obstacle { return obstacle }
    return isOnPath("g++") || isOnPath("clang++") ? nil : "needs a C++ compiler, with which PyTorch makes packages"
  }()

  /// One of the files.
  /// - Throws: what the script said, where it failed.
  package static func file(_ name: String) throws -> URL { try made.get().appending(path: name) }

  private static let made = Result { try make() }

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
    try Python.run([script.standardizedFileURL.path, folder.path], cache: folder.appending(path: "cache"))
    return folder
  }

  private static func remove() {
    if let folder = try? made.get() { try? FileManager.default.removeItem(at: folder) }
  }
}
