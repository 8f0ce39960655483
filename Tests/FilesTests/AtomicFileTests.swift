// Files appear whole or not at all, and what stands at a path stays what it is.

import Files
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func path(_ name: String) -> String { folder.url.appending(path: name).path }

  private func write(_ text: String, to name: String) throws {
    try AtomicFile.write(Data(text.utf8), to: folder.url.appending(path: name))
  }

  private func link(_ name: String, to target: String) throws {
    try #require(symlink(target, path(name)) == 0)
  }

  private func linkTarget(_ name: String) throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: path(name))
  }

  @Test func aFileIsReplacedAsAWhole() throws {
    for text in ["old", "new"] {
      try write(text, to: "a")
      #expect(try folder.text("a") == text)
    }
    #expect(try folder.contents == ["a"])
  }

  /// Each writes a whole file, in whatever order they come, and none stands in another's way.
  @Test func manyMayWriteOneFile() async throws {
    let file = folder.url.appending(path: "table.md")
    let texts = (0..<8).map { String(repeating: "\($0)", count: 200_000 + 1_000 * $0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for text in texts {
        group.addTask { for _ in 0..<20 { try AtomicFile.write(Data(text.utf8), to: file) } }
      }
      try await group.waitForAll()
    }
    #expect(texts.contains(try folder.text("table.md")))
    #expect(try folder.contents == ["table.md"])
  }

  /// On shared folders no lock keeps two machines apart, and a killed process may have left a part of a file.
  @Test func nobodyElsesPartialFileIsTouched() throws {
    try folder.write("half", to: "a.partial")
    let file = folder.url.appending(path: "a")
    for text in ["old", "new"] { try AtomicFile.write(Data(text.utf8), to: file, isShared: true) }
    #expect(try folder.text("a") == "new" && folder.text("a.partial") == "half")
    #expect(try folder.contents == ["a", "a.partial"])
  }

  @Test func onlyTheFirstMakesAFile() async throws {
    let file = folder.url.appending(path: "a")
    let makers = try await withThrowingTaskGroup(of: Int?.self) { group in
      for number in 0..<16 {
        group.addTask { try AtomicFile.create(Data("\(number)".utf8), at: file) ? number : nil }
      }
      return try await group.reduce(into: []) { makers, maker in makers += [maker].compactMap(\.self) }
    }
    #expect(try makers.map { "\($0)" } == [folder.text("a")] && folder.contents == ["a"])
    #expect(throws: SystemError(ENOENT)) { try AtomicFile.create(Data(), at: folder.url.appending(path: "no/a")) }
  }

  @Test func aLinkStaysAndItsTargetIsWritten() throws {
    try Folder.make(folder.url.appending(path: "far/away"))
    try link("far/away/second", to: "../file")
    try link("first", to: path("far/away/second"))
    // Twice: at first the links lead to nothing yet.
    for text in ["old", "new"] {
      try write(text, to: "first")
      #expect(try folder.text("far/file") == text)
    }
    #expect(try linkTarget("first") == path("far/away/second"))
    #expect(try linkTarget("far/away/second") == "../file")
    #expect(try folder.contents == ["far", "first"])
  }

  @Test func aPipeIsWrittenInto() throws {
    try #require(mkfifo(path("pipe"), 0o600) == 0)
    try link("link", to: "pipe")
    // Open for both, so that nothing here waits for another.
    let descriptor = open(path("pipe"), O_RDWR)
    defer { close(descriptor) }
    try write("one", to: "pipe")
    try write("two", to: "link")
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &bytes, bytes.count)
    #expect(String(decoding: bytes[..<count], as: UTF8.self) == "onetwo")
    #expect(try folder.contents == ["link", "pipe"])
  }

  @Test func whatAProcessHasOpenIsWrittenBehindWhatIsThere() throws {
    try Data("old,".utf8).write(to: folder.url.appending(path: "open"))
    let descriptor = open(path("open"), O_WRONLY)
    defer { close(descriptor) }
    try AtomicFile.write(Data("new".utf8), to: URL(filePath: "/dev/fd/\(descriptor)"))
    #expect(try folder.text("open") == "old,new")
    #expect(try folder.contents == ["open"])
  }

  @Test func sharedMemoryHoldsPlainFiles() throws {
    let file = URL(filePath: "/dev/shm/kindred-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    for text in ["old", "new"] { try AtomicFile.write(Data(text.utf8), to: file) }
    #expect(try String(contentsOf: file, encoding: .utf8) == "new")
  }

  @Test func whatCannotBeWrittenIsSaidAndLeftAsItIs() throws {
    try link("circle", to: "circle")
    try link("astray", to: path("none/file"))
    try link("full", to: "/dev/full")
    for (name, reason) in [
      (".", "Is a directory"), ("none/file", "No such file or directory"),
      ("circle", "Too many levels of symbolic links"),
      ("astray", "No such file or directory"), ("full", "/dev/full: No space left on device"),
    ] {
      let error = try #require(throws: SystemError.self) { try write("new", to: name) }
      #expect(error.description == reason)
    }
    #expect(try folder.contents == ["astray", "circle", "full"])
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }
}
