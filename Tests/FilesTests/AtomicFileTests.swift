// Files appear whole or not at all, and what stands at a path stays what it is.

import Files
import Foundation
import Testing

@Suite struct AtomicFileTests {
  @Test func aFileIsReplacedAsAWhole() throws {
    let folder = try TestFolder()
    let file = folder.url.appending(path: "a")
    for text in ["old", "new"] {
      try AtomicFile.write(Data(text.utf8), to: file)
      #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }
    #expect(try folder.contents == ["a"])
  }
}
