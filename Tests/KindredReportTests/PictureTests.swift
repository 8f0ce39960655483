// Pictures: what drawing does to the pixels, and PNG files read back by libpng itself.

import CPNG
import Foundation
import KindredReport
import TestSupport
import Testing

@Suite struct PictureTests {
  @Test func fillAndBlitAreCutOffAtTheEdges() {
    var picture = Picture(width: 4, height: 3)
    picture.fill(.black, at: Point(x: -1, y: 1), width: 3, height: 9)
    picture.blit(Picture(width: 2, height: 2, colour: .grey), at: Point(x: 3, y: -1))
    picture.fill(.black, at: Point(x: 9, y: 9), width: 3, height: 3)
    picture.fill(.black, at: Point(x: -9, y: 0), width: 3, height: 3)
    #expect(inkMap(picture) == ["...#", "##..", "##.."])
    #expect(picture[3, 0] == .grey)
  }

  @Test func greyBytesBecomeThree() {
    let picture = Picture(width: 2, height: 1, channels: 1, bytes: [7, 200])
    #expect(picture.bytes == [7, 7, 7, 200, 200, 200])
  }

  @Test func enlargedPixelsAreSquares() {
    let picture = Picture(width: 2, height: 1, bytes: [1, 2, 3, 4, 5, 6])
    let row: [UInt8] = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    #expect(picture.enlarged(by: 2) == Picture(width: 4, height: 2, bytes: row + row))
  }

  @Test func textIsDrawnAsTheLettersLook() {
    var picture = Picture(width: 17, height: 8)
    picture.draw("Ag1", at: Point(x: 0, y: 0))
    #expect(
      inkMap(picture) == [
        ".###..........#..", "#...#........##..", "#...#..####...#..", "#####.#...#...#..", "#...#.#...#...#..",
        "#...#..####...#..", "#...#.....#..###.", ".......###.......",
      ])
    #expect(Picture.textWidth("Ag1") == 17)

    var large = Picture(width: 34, height: 16)
    large.draw("Ag1", at: Point(x: 0, y: 0), scale: 2)
    #expect(large == picture.enlarged(by: 2))
  }

  @Test func everyLetterIsAnother() {
    var seen: [[String]: Character] = [:]
    for code in UInt8(ascii: " ")...UInt8(ascii: "~") {
      let letter = Character(Unicode.Scalar(code))
      var picture = Picture(width: 6, height: 8)
      picture.draw(String(letter), at: Point(x: 0, y: 0))
      let ink = inkMap(picture)
      #expect(seen[ink] == nil, "\(letter) looks like \(seen[ink] ?? " ")")
      #expect(ink.allSatisfy { $0.hasSuffix(".") }, "\(letter) touches the next letter")
      seen[ink] = letter
    }
  }

  @Test func unknownLettersAreBoxesAndDashesAreDashes() {
    func drawn(_ text: String) -> Picture {
      var picture = Picture(width: 6, height: 8)
      picture.draw(text, at: Point(x: 0, y: 0))
      return picture
    }
    #expect(drawn("–") == drawn("-"))
    #expect(drawn("é") == drawn("語"))
    #expect(drawn("é") != drawn("e"))
  }

  private func inkMap(_ picture: Picture) -> [String] {
    (0..<picture.height).map { y in
      String((0..<picture.width).map { x in picture[x, y] == .white ? "." : "#" })
    }
  }
}

@Suite struct PNGTests {
  /// 5 x 3, so that rows are not mistaken for columns, and no two bytes equal.
  private let picture = Picture(width: 5, height: 3, bytes: (0..<45).map { UInt8($0 * 5 + 3) })
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func roundTripThroughMemory() throws {
    #expect(try read(picture.pngData()) == picture)
  }

  @Test func roundTripThroughAFile() throws {
    let file = folder.url.appending(path: "picture.png")
    try Data("old".utf8).write(to: file)
    try picture.writePNG(to: file)
    #expect(try read(Data(contentsOf: file)) == picture)
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

  private func read(_ data: Data) throws -> Picture {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    return try data.withUnsafeBytes { file in
      try #require(png_image_begin_read_from_memory(&image, file.baseAddress, file.count) != 0)
      image.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
      var bytes = [UInt8](repeating: 0, count: Int(image.width * image.height * 3))
      try #require(png_image_finish_read(&image, nil, &bytes, 0, nil) != 0)
      return Picture(width: Int(image.width), height: Int(image.height), bytes: bytes)
    }
  }
}
