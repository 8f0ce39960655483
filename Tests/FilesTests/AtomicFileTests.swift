// Files appear whole or not at all, and what stands at a path stays what it is.

import Files
import Foundation
import Testing

@Suite struct AtomicFileTests {
  @Test func aFileIsReplacedAsAWhole() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "a")
    for text in ["old", "new"] {
      try AtomicFile.write(Data(text.utf8), to: file)
      #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a"])
  }
}
