// Images: every form that is read, damaged, and PNGs that are wrong behind checksums that are right.

import CZlib
import Foundation
import GoldenFiles
import Kindred
import KindredVision

final class ImageInputs: FuzzedReader {
  private static let mostPixels = 1 << 20
  private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  private let file: URL
  private let samples: [[UInt8]]
  private(set) var expectedBytes = 0

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.image")
    let golden = try Golden.file("images/expected").deletingLastPathComponent()
    let names = try FileManager.default.contentsOfDirectory(atPath: golden.path).sorted()
    samples = try names.filter { !$0.hasSuffix(".safetensors") }.map {
      Array(try Data(contentsOf: golden.appending(path: $0)))
    }
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var bytes = random.oneIn(8) ? ImageInputs.drawn(&random) : random.pick(samples)
    if !random.oneIn(16) { bytes = mutated(bytes, &random) }
    if !random.oneIn(4) { ImageInputs.mend(&bytes) }
    return [InputFile(name: "input.image", bytes: bytes)]
  }

  /// Half of the time only near the start, where a file says what it is.
  private func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    guard random.oneIn(2) else { return Mutation.of(bytes, with: random.pick(samples), &random) }
    let start = random.pick([12, 40, 200])
    return Mutation.of(Array(bytes.prefix(start)), with: random.pick(samples), &random) + bytes.dropFirst(start)
  }

  /// A PNG whose header says anything, with rows that may fit it.
  private static func drawn(_ random: inout SplitMix64) -> [UInt8] {
    let sides = (0..<2).map { _ in random.oneIn(8) ? random.pick(Mutation.integers) : UInt64(random.index(40)) }
    var header = sides.flatMap { side in (0..<4).map { UInt8(truncatingIfNeeded: side >> UInt64(24 - 8 * $0)) } }
    header += [random.pick([1, 2, 4, 8, 16, 3]), random.pick([0, 2, 3, 4, 6, 1]), 0, 0, random.pick([0, 1])]
    let rows = random.oneIn(2) ? [UInt8](repeating: 0, count: random.index(20_000)) : random.bytes(random.index(3000))
    let sum = UInt32(truncatingIfNeeded: adler32_z(1, rows, rows.count))
    let packed = [0x78, 0x9C] + Gzipped.deflated(rows, level: 6) + withUnsafeBytes(of: sum.bigEndian) { Array($0) }
    var bytes = png + chunk("IHDR", header)
    if random.oneIn(2) { bytes += chunk("PLTE", random.bytes(random.index(260) * 3)) }
    if random.oneIn(2) { bytes += chunk("tRNS", random.bytes(random.index(260))) }
    if random.oneIn(4) {
      bytes += chunk(random.pick(["gAMA", "cHRM", "sBIT", "iCCP", "zTXt"]), random.bytes(random.index(40)))
    }
    return bytes + chunk("IDAT", packed) + chunk("IEND", [])
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return bigEndian(content.count) + body + bigEndian(Int(crc32_z(0, body, body.count)))
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
  }

  /// Puts right what would be refused at once: checksums of PNG, and the length of WebP.
  private static func mend(_ bytes: inout [UInt8]) {
    if bytes.starts(with: "RIFF".utf8), bytes.count > 8 {
      bytes.replaceSubrange(4..<8, with: bigEndian(bytes.count - 8).reversed())
    }
    guard bytes.starts(with: png) else { return }
    var place = png.count
    while place + 12 <= bytes.count {
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - place - 12 else { return }
      let body = Array(bytes[place + 4..<place + 8 + length])
      place += 12 + length
      bytes.replaceSubrange(place - 4..<place, with: bigEndian(Int(crc32_z(0, body, body.count))))
    }
  }

  func read() throws {
    let data = try Data(contentsOf: file)
    expectedBytes = 0
    try data.withUnsafeBytes { bytes in
      let header = try ImageDecoder.header(of: bytes)
      expectedBytes = ImageInputs.expected(header)
      let image = try ImageDecoder.decode(
        bytes, channels: bytes.count % 2 == 0 ? 3 : 1, shorterSide: bytes.count % 3 == 0 ? 8 : nil,
        mostPixels: ImageInputs.mostPixels)
      _ = image.resized(width: 17, height: 13)
    }
  }

  /// Four bytes for each pixel, of which decoders hold whole blocks.
  private static func expected(_ header: ImageHeader) -> Int {
    let (width, height) = ((header.width + 31) / 32 * 32, (header.height + 31) / 32 * 32)
    return 4 * min(width * height, mostPixels)
  }
}
