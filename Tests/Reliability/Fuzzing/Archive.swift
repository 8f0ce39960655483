// Zip files as hostile as one wants them.

import CZlib
import Foundation

/// A zip file, put together by hand.
struct Archive {
  private var body: [UInt8] = []
  private var directory: [UInt8] = []
  private var count = 0

  private static let zeros = [UInt8](repeating: 0, count: 10_000_000)
  private static let packedZeros = Gzipped.deflated(zeros, level: 9)

  /// Ten kilobytes that unpack to ten megabytes.
  mutating func addBomb(_ name: String) { add(name, Archive.packedZeros, of: Archive.zeros, method: 8) }

  mutating func add(_ name: String, _ content: [UInt8]) { add(name, content, of: content, method: 0) }

  private mutating func add(_ name: String, _ content: [UInt8], of whole: [UInt8], method: Int) {
    let sum = UInt32(truncatingIfNeeded: crc32_z(0, whole, whole.count))
    let sizes = Archive.four(sum) + Archive.four(content.count) + Archive.four(whole.count)
    let times = Archive.two(0) + Archive.two(0)
    let common = Archive.two(0) + Archive.two(method) + times + sizes + Archive.two(name.utf8.count)
    directory += [0x50, 0x4b, 1, 2] + Archive.two(20) + Archive.two(20) + common
    directory += [UInt8](repeating: 0, count: 12) + Archive.four(body.count) + Array(name.utf8)
    body += [0x50, 0x4b, 3, 4] + Archive.two(20) + common + Archive.two(0) + Array(name.utf8) + content
    count += 1
  }

  var bytes: [UInt8] {
    body + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + Archive.two(count) + Archive.two(count)
      + Archive.four(directory.count) + Archive.four(body.count) + [0, 0]
  }

  private static func two(_ value: Int) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8 & 255)] }
  private static func four(_ value: Int) -> [UInt8] { four(UInt32(truncatingIfNeeded: value)) }
  private static func four(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}
