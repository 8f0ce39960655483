// Compressed files: wrappers that are valid around something that is not, and bombs.

import CZlib
import Foundation
import Kindred
import KindredVision

/// A gzip file in parts.
struct Gzipped {
  private var header: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
  private var stream: [UInt8]
  private var trailer: [UInt8]

  /// Compressed at some level, with some of the header's optional fields.
  init(_ content: [UInt8], _ random: inout SplitMix64) {
    stream = Gzipped.deflated(content, level: random.pick([0, 1, 6, 9]))
    trailer = Gzipped.trailer(content)
    if random.oneIn(4) { addFields(&random) }
  }

  init(stream: [UInt8], of content: [UInt8]) { (self.stream, trailer) = (stream, Gzipped.trailer(content)) }

  var bytes: [UInt8] { header + stream + trailer }

  static func deflated(_ content: [UInt8], level: Int) -> [UInt8] {
    var count = compressBound(UInt(content.count)) + 16
    var output = [UInt8](repeating: 0, count: Int(count))
    let status = compress2(&output, &count, content, UInt(content.count), Int32(level))
    precondition(status == Z_OK, "zlib compresses what fits")
    // What stands between zlib's own header and checksum.
    return Array(output[2..<Int(count) - 4])
  }

  private static func trailer(_ content: [UInt8]) -> [UInt8] {
    let sum = UInt32(truncatingIfNeeded: crc32_z(0, content, content.count))
    return [sum, UInt32(truncatingIfNeeded: content.count)].flatMap { value in
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
  }

  private mutating func addFields(_ random: inout SplitMix64) {
    let flags = UInt8(random.index(32))
    header[3] = flags
    if flags & 4 != 0 {
      let length = random.index(300)
      header += [UInt8(length & 255), UInt8(length >> 8)] + random.bytes(length)
    }
    for flag: UInt8 in [8, 16] where flags & flag != 0 { header += Array("name".utf8) + [0] }
    guard flags & 2 != 0 else { return }
    let sum = crc32_z(0, header, header.count)
    header += [UInt8(sum & 255), UInt8(sum >> 8 & 255)]
  }

  /// One part changed, the others as they were.
  mutating func mutate(_ random: inout SplitMix64) {
    switch random.index(4) {
    case 0: header = Mutation.of(header, with: trailer, &random)
    case 1: stream = Mutation.of(stream, with: stream, &random)
    case 2: Mutation.putInteger(&trailer, at: random.index(8), &random)
    default: trailer = Mutation.of(trailer, with: header, &random)
    }
  }
}

struct GzipInputs: FuzzedReader {
  private static let limit = 20_000
  private let file: URL
  private let bombs: [Gzipped]

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.gz")
    bombs = [100_000, 30_000_000].map { count in
      let zeros = [UInt8](repeating: 0, count: count)
      return Gzipped(stream: Gzipped.deflated(zeros, level: 9), of: zeros)
    }
  }

  var expectedBytes: Int { GzipInputs.limit }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    let count = random.pick([
      0, 1, 100, GzipInputs.limit - 1, GzipInputs.limit, GzipInputs.limit + 1, random.index(5000),
    ])
    let content = random.oneIn(2) ? random.bytes(min(count, 3000)) : [UInt8](repeating: 7, count: count)
    var whole = Gzipped(content, &random)
    if random.oneIn(50) { whole = random.pick(bombs) }
    if !random.oneIn(8) { whole.mutate(&random) }
    var bytes = whole.bytes
    switch random.index(8) {
    case 0: bytes = Mutation.of(bytes, with: bytes, &random)
    case 1: bytes += random.oneIn(2) ? bytes : random.bytes(random.index(20))
    case 2: bytes = Array(bytes.prefix(random.index(bytes.count + 1)))
    default: break
    }
    return [InputFile(name: "input.gz", bytes: bytes)]
  }

  func read() throws { _ = try Gzip.inflate(file, limit: GzipInputs.limit) }
}
