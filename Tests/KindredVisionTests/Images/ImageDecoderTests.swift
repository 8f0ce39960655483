// Images of every form against what Pillow makes of them, and files that are none.

import GoldenFiles
import KindredVision
import Testing
import Torch

@Suite struct ImageDecoderTests {
  static let forms = [
    "rgb-444.jpg", "rgb-422.jpg", "rgb-420.jpg", "rgb-440.jpg", "rgb-411.jpg", "grey.jpg", "progressive.jpg",
    "restarts.jpg", "untransformed.jpg", "cmyk.jpg", "cmyk-unmarked.jpg", "ycck.jpg", "strange-bytes.jpg", "rgb.png",
    "grey.png", "bits.png", "palette.png", "palette-transparent.png", "rgb-transparent.png", "grey-transparent.png",
    "rgba.png", "grey-alpha.png", "grey-16.png", "rgb-16.png", "rgba-16.png", "interlaced.png", "text.png", "gamma.png",
    "lossy.webp", "lossless.webp", "lossy-alpha.webp", "lossless-alpha.webp", "animation.webp", "animation-part.webp",
  ]
  static let turned =
    (1...8).map { "orientation-\($0).jpg" } + ["orientation-3.png", "orientation-6.png", "orientation-8.webp"]

  /// Libraries agree to the last bit, but on gamma: libpng takes sRGB's curve for a power, which is off by some levels where
  /// it is dark.
  @Test(arguments: forms + turned)
  func everyFormBecomesWhatAViewerShows(name: String) throws {
    let tolerance = name == "gamma.png" ? 8 : 0
    let (golden, file) = (try Golden("images/expected"), try imageFile(name))
    for (channels, key) in [(3, "rgb"), (1, "grey")] {
      let expected = PixelImage(try golden["\(name).\(key)"])
      let image = try decoded(file, channels: channels)
      let difference = try #require(image.largestDifference(from: expected))
      #expect(difference <= tolerance, "\(key)")
      let header = try header(file)
      #expect((header.width, header.height) == (expected.width, expected.height))
      #expect(name.hasSuffix(header.kind == .jpeg ? "jpg" : header.kind.rawValue.lowercased()))
    }
  }

  /// As many pixels as were asked for are left, and no more than needed.
  @Test(arguments: [(38, 2), (37, 2), (39, 1), (19, 4), (11, 4), (10, 8), (1, 8), (75, 1), (1000, 1)])
  func largeJPEGsAreDecodedAtAScale(shorterSide: Int, divisor: Int) throws {
    let image = try decoded(imageFile("large.jpg"), shorterSide: shorterSide)
    #expect((image.width, image.height) == ((101 + divisor - 1) / divisor, (75 + divisor - 1) / divisor))
    guard divisor > 1 else { return }
    #expect(image == PixelImage(try Golden("images/expected")["large.jpg.scaled.\(divisor)"]))
  }

  // MARK: What is refused

  @Test(arguments: forms)
  func aFileThatBreaksOffIsRefusedWhereverThatIs(name: String) throws {
    let file = try imageFile(name)
    for count in 0..<file.count {
      let message = try #require(refusal(Array(file[..<count])), "\(count) bytes")
      #expect(!message.contains("\n"))
    }
    #expect(try #require(refusal(Array(file.dropLast(40)))).hasPrefix("truncated"))
    #expect(refusal(file + [1, 2, 3]) == nil)
  }

  @Test func whatIsNoImageIsToldByItsFirstBytes() {
    #expect(refusal([]) == "is no JPEG, PNG or WebP image (it is empty)")
    #expect(
      refusal(Array("label,file\n".utf8))
        == "is no JPEG, PNG or WebP image (its first bytes are those of a text file)")
    #expect(refusal([1, 2, 0xFF, 0xFF, 0]) == "is no JPEG, PNG or WebP image (its first bytes are 01 02 ff ff)")
    #expect(
      refusal(Array("version https://git-lfs.github.com/spec/v1\n".utf8))
        == "is no JPEG, PNG or WebP image (its first bytes are those of a git-lfs pointer; run git lfs pull)")
  }

  @Test func sizesBeyondTheLimitAreRefusedUnseen() throws {
    var jpeg = try imageFile("rgb-444.jpg")
    let size = try #require(jpeg.firstRange(of: [0, 19, 0, 27])).lowerBound
    jpeg.replaceSubrange(size..<size + 4, with: [0x40, 0, 0x40, 0])
    #expect(refusal(jpeg) == "16384 x 16384 pixels; at most 200000000 are decoded")
    // At 1/8 it is within the limit, and its pixels are soon found missing.
    #expect(throws: ImageError.self) { try decoded(jpeg, shorterSide: 1) }
    jpeg.replaceSubrange(size..<size + 4, with: [0, 0, 0, 27])
    #expect(refusal(jpeg) == "empty JPEG: 27 x 0 pixels")

    var progressive = try imageFile("progressive.jpg")
    progressive.replaceSubrange(size..<size + 4, with: [0x40, 0, 0x40, 0])
    #expect(throws: ImageError.self) { try decoded(progressive, shorterSide: 1) }

    var png = try imageFile("rgb.png")
    png.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1])
    #expect(refusal(png) == "2147483647 x 1 pixels; at most 200000000 are decoded")
    png[16] = 0xFF
    #expect(throws: ImageError.self) { try header(png) }
  }

  /// One block that is grey throughout, refined again and again.
  @Test func aProgressiveFileCannotAskForPassesWithoutEnd() throws {
    let few = progressive(side: 8, bands: 0...4)
    #expect(try decoded(few, channels: 1).bytes == [UInt8](repeating: 128, count: 64))
    let many = progressive(side: 8, bands: 0...63)
    #expect(refusal(many) == "broken JPEG: Progressive JPEG image has more than 500 scans")
    // A few kB that would keep a processor busy for minutes.
    #expect(
      refusal(progressive(side: 12_000, bands: 0...63))
        == "640 scans of 12000 x 12000 pixels are no image but a trap")
  }

  /// A grey progressive JPEG of ten scans for each band of frequencies, every one of them empty.
  private func progressive(side: Int, bands: ClosedRange<UInt8>) -> [UInt8] {
    let size = [UInt8(side >> 8), UInt8(side & 255)]
    let quantization: [UInt8] = [0xFF, 0xDB, 0, 67, 0] + [UInt8](repeating: 1, count: 64)
    let frame: [UInt8] = [0xFF, 0xC2, 0, 11, 8] + size + size + [1, 1, 0x11, 0]
    // One code of one bit, for nothing.
    let codes: [UInt8] = [1] + [UInt8](repeating: 0, count: 16)
    var file: [UInt8] = [0xFF, 0xD8] + quantization + frame
    for table: UInt8 in [0, 0x10] { file += [0xFF, 0xC4, 0, 20, table] + codes }
    for band in bands {
      for left: UInt8 in (0..<10).reversed() {
        let bits = left == 9 ? left : (left + 1) << 4 | left
        file += [0xFF, 0xDA, 0, 8, 1, 1, 0, band, band, bits, 0x7F]
      }
    }
    return file + [0xFF, 0xD9]
  }

  @Test func brokenPixelsAreRefused() throws {
    var jpeg = try imageFile("restarts.jpg")
    let restart = try #require(jpeg.firstRange(of: [0xFF, 0xD1])).lowerBound
    jpeg.removeSubrange(restart - 4..<restart + 2)
    let message = try #require(refusal(jpeg))
    #expect(message.hasPrefix("broken JPEG: Corrupt JPEG data"), "\(message)")
    var png = try imageFile("rgb.png")
    png[png.count - 40] ^= 1
    #expect(try #require(refusal(png)).hasPrefix("broken PNG: "))
    var webP = try imageFile("lossless.webp")
    for index in 40..<60 { webP[index] = 0xFF }
    #expect(try #require(refusal(webP)).hasPrefix("broken WebP: "))
  }

  /// A harmless oddity must not hide that the rest is missing.
  @Test func strangeBytesHideNoTruncation() throws {
    let file = try imageFile("strange-bytes.jpg")
    #expect(refusal(Array(file.dropLast(60))) == "truncated JPEG: it ends before its last pixel")
  }
}

extension Array where Element: Equatable {
  fileprivate func firstRange(of part: [Element]) -> Range<Int>? { ranges(of: part).first }
  fileprivate func lastRange(of part: [Element]) -> Range<Int>? { ranges(of: part).last }
}
