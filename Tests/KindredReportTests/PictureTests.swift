// Pictures: what is made of bytes, and PNG files read back by libpng itself.

import Foundation
import KindredReport
import TestSupport
import Testing

@Suite struct PictureTests {
  @Test func greyBytesBecomeThree() {
    let picture = Picture(width: 2, height: 1, channels: 1, bytes: [7, 200])
    #expect(picture.bytes == [7, 7, 7, 200, 200, 200])
  }

  @Test func coloursLieInRows() {
    let colours = (0..<6).map { Colour($0, 10 + $0, 20 + $0) }
    let picture = Picture(width: 3, height: 2, colours: colours)
    #expect(picture[2, 0] == colours[2] && picture[0, 1] == colours[3])
    #expect(Array(picture.bytes[9..<12]) == [3, 13, 23])
  }
}

@Suite struct PNGTests {
  /// 5 x 3, so that rows are not mistaken for columns, and no two bytes equal.
  private let picture = Picture(width: 5, height: 3, bytes: (0..<45).map { UInt8($0 * 5 + 3) })
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func roundTripThroughMemory() throws {
    #expect(try Picture(png: picture.pngData()) == picture)
  }

  @Test func roundTripThroughAFile() throws {
    let file = folder.url.appending(path: "picture.png")
    try Data("old".utf8).write(to: file)
    try picture.writePNG(to: file)
    #expect(try Picture(png: Data(contentsOf: file)) == picture)
    #expect(try folder.contents == ["picture.png"])
  }

  @Test func missingFolder() throws {
    try FileManager.default.removeItem(at: folder.url)
    let file = folder.url.appending(path: "picture.png")
    let error = try #require(throws: PictureError.self) { try picture.writePNG(to: file) }
    #expect(error.path == file.path && error.reason == "No such file or directory")
    #expect(error.description == "cannot write the picture \(file.path): No such file or directory")
  }

  /// The device that is always full stands in for a full disk; what was there before stays.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
  func fullDisk() throws {
    let file = folder.url.appending(path: "picture.png")
    try Data("old".utf8).write(to: file)
    try FileManager.default.createSymbolicLink(atPath: file.path + ".partial", withDestinationPath: "/dev/full")
    let error = try #require(throws: PictureError.self) { try picture.writePNG(to: file) }
    #expect(error.reason == "No space left on device")
    #expect(try folder.contents == ["picture.png"])
    #expect(try Data(contentsOf: file) == Data("old".utf8))
  }

  @Test func targetIsAFolder() throws {
    let error = try #require(throws: PictureError.self) { try picture.writePNG(to: folder.url) }
    #expect(error.reason == "Is a directory")
    #expect(!FileManager.default.fileExists(atPath: folder.url.path + ".partial"))
  }
}
