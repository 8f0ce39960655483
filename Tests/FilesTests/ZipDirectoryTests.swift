// What archives say of their entries, in zip's own numbers.

import Files
import Foundation
import Testing

@Suite struct ZipDirectoryTests {
  private func number(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  /// An archive of some bytes without entries' contents: only its directory counts here.
  private func archive(packed: UInt64, size: UInt64, extra: [UInt8] = [], comment: String = "") -> Data {
    let name = Array("top/version".utf8)
    let content = [UInt8](repeating: 7, count: 40)
    var entry = number(0x0201_4b50, 4) + number(0, 16) + number(packed, 4) + number(size, 4)
    entry += number(UInt64(name.count), 2) + number(UInt64(extra.count), 2) + number(0, 14) + name + extra
    let end =
      number(0x0605_4b50, 4) + number(0, 4) + number(1, 2) + number(1, 2) + number(UInt64(entry.count), 4)
      + number(UInt64(content.count), 4) + number(UInt64(comment.utf8.count), 2) + Array(comment.utf8)
    return Data(content + entry + end)
  }

  @Test func entriesAreFoundBehindAComment() throws {
    let directory = try #require(ZipDirectory(archive(packed: 2, size: 2, comment: "made by hand")))
    #expect(directory.entries == [.init(name: "top/version", packed: 2, size: 2)])
    #expect(directory.impossibleEntry == nil)
  }

  @Test(arguments: [(2, 0xffff_ffff), (2, 3_000), (5_000, 5_000)] as [(UInt64, UInt64)])
  func moreThanThereCanBeIsSeen(packed: UInt64, size: UInt64) throws {
    let directory = try #require(ZipDirectory(archive(packed: packed, size: size)))
    #expect(directory.impossibleEntry == .init(name: "top/version", packed: packed, size: size))
  }

  /// Lengths beyond 32 bits stand in a field of their own, the unpacked one first.
  @Test func largeLengthsAreRead() throws {
    let extra = number(1, 2) + number(16, 2) + number(1 << 40, 8) + number(1 << 38, 8)
    let directory = try #require(ZipDirectory(archive(packed: 0xffff_ffff, size: 0xffff_ffff, extra: extra)))
    #expect(directory.entries.map(\.size) == [1 << 40] && directory.entries.map(\.packed) == [1 << 38])
    #expect(directory.impossibleEntry != nil)
  }

  @Test func whatIsCutOffHasNoDirectory() {
    let whole = archive(packed: 2, size: 2)
    for count in 0..<whole.count { #expect(ZipDirectory(whole.prefix(count)) == nil) }
    // A slice of other data, as a mapped file may be.
    #expect(ZipDirectory((Data([1, 2, 3]) + whole).dropFirst(3))?.entries.count == 1)
  }
}
