// A folder of its own for a test, or for a measurement of reliability.

import Foundation

/// Removed with its owner.
package final class TestFolder: Sendable {
  package let url: URL

  /// A folder in `parent`, with these texts by their names.
  package init(_ files: [String: String] = [:], in parent: URL = FileManager.default.temporaryDirectory) throws {
    url = parent.appending(path: "kindred-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try write(files)
  }

  /// Away from the disk where that is possible.
  package static func inMemory() throws -> TestFolder {
    let memory = URL(filePath: "/dev/shm")
    let isThere = FileManager.default.isWritableFile(atPath: memory.path)
    return try TestFolder(in: isThere ? memory : FileManager.default.temporaryDirectory)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A folder in it, made where it is not there.
  package func folder(_ name: String) throws -> URL {
    let folder = url.appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Writes a file, and makes the folders it lies in.
  @discardableResult
  package func write(_ bytes: [UInt8], to name: String) throws -> URL {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file
  }

  @discardableResult
  package func write(_ text: String, to name: String) throws -> URL { try write(Array(text.utf8), to: name) }

  /// Writes texts by their names.
  package func write(_ files: [String: String]) throws {
    for (name, text) in files { try write(text, to: name) }
  }

  package func bytes(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

  package func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

  package func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url.appending(path: name).path) }

  /// Whether a file holds exactly these bytes; a plain answer, since comparing them in an expectation prints them all.
  package func holds(_ bytes: [UInt8], at name: String) -> Bool { (try? self.bytes(name)) == Data(bytes) }

  /// The names of what lies directly in it, sorted.
  package var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

/// Gives `body` a folder that is there while it runs.
package func withTestFolder(_ body: (URL) throws -> Void) throws {
  let folder = try TestFolder()
  try withExtendedLifetime(folder) { try body(folder.url) }
}
