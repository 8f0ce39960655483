// What a zip archive says of its entries, looked at before anybody makes room for them.

import Foundation

/// The directory at a zip archive's end, zip64 included. Only what it says is read, none of the entries.
package struct ZipDirectory {
  package struct Entry: Equatable, Sendable {
    package let name: String
    /// The bytes it takes in the archive.
    package let packed: UInt64
    /// The bytes it says that it unpacks to.
    package let size: UInt64
    /// How it is packed; 0 for as it is.
    package var method: UInt64 = 0
    var isEncrypted = false
    /// The checksum of what it unpacks to.
    var crc32: UInt64 = 0
    /// Where in the archive its own header stands.
    var start: UInt64 = 0

    package init(name: String, packed: UInt64, size: UInt64) {
      (self.name, self.packed, self.size) = (name, packed, size)
    }
  }

  package let entries: [Entry]
  private let archiveSize: UInt64

  /// nil for what has no such directory, or a damaged one.
  package init?(_ archive: Data) {
    let bytes = LittleEndian(archive)
    // Within the file, so that sums of places stay far from the end of all numbers.
    guard let end = ZipDirectory.end(of: bytes), end.start <= archive.count else { return nil }
    var place = Int(end.start)
    var entries: [Entry] = []
    for _ in 0..<end.count {
      guard let (entry, length) = ZipDirectory.entry(at: place, in: bytes) else { return nil }
      entries.append(entry)
      place += length
      guard place <= archive.count else { return nil }
    }
    self.entries = entries
    archiveSize = UInt64(archive.count)
  }

  /// The first entry that takes more bytes than there are, or says that it unpacks to more than deflate packs into them.
  package var impossibleEntry: Entry? { entries.first { $0.packed > archiveSize || $0.size / 1_000 > $0.packed } }

  /// Where the directory begins, and how many entries it has.
  private static func end(of bytes: LittleEndian) -> (start: UInt64, count: UInt64)? {
    let smallest = 22
    // A comment of up to 65,535 bytes may follow.
    let places = stride(from: bytes.count - smallest, through: max(0, bytes.count - smallest - 0xffff), by: -1)
    guard bytes.count >= smallest, let place = places.first(where: { bytes[$0, 4] == 0x0605_4b50 }) else { return nil }
    if place >= 20, bytes[place - 20, 4] == 0x0706_4b50, let large = bytes[place - 12, 8], large <= bytes.count,
      bytes[Int(large), 4] == 0x0606_4b50, let count = bytes[Int(large) + 32, 8], let start = bytes[Int(large) + 48, 8]
    {
      return (start, count)
    }
    guard let count = bytes[place + 10, 2], let start = bytes[place + 16, 4] else { return nil }
    return (start, count)
  }

  /// An entry of the directory, and the bytes that it takes there.
  private static func entry(at place: Int, in bytes: LittleEndian) -> (Entry, length: Int)? {
    guard bytes[place, 4] == 0x0201_4b50, var packed = bytes[place + 20, 4], var size = bytes[place + 24, 4],
      let nameLength = bytes[place + 28, 2], let extraLength = bytes[place + 30, 2],
      let commentLength = bytes[place + 32, 2], var start = bytes[place + 42, 4],
      let name = bytes.text(place + 46, Int(nameLength))
    else { return nil }
    var extra = place + 46 + Int(nameLength)
    let end = extra + Int(extraLength)
    while extra + 4 <= end, let kind = bytes[extra, 2], let length = bytes[extra + 2, 2] {
      if kind == 1 {
        // Of a length that does not fit 32 bits the true one stands here, in this order.
        var field = extra + 4
        if size == 0xffff_ffff, let value = bytes[field, 8] { (size, field) = (value, field + 8) }
        if packed == 0xffff_ffff, let value = bytes[field, 8] { (packed, field) = (value, field + 8) }
        if start == 0xffff_ffff, let value = bytes[field, 8] { start = value }
      }
      extra += 4 + Int(length)
    }
    var entry = Entry(name: name, packed: packed, size: size)
    entry.start = start
    entry.isEncrypted = bytes[place + 8, 2].map { $0 & 1 == 1 } ?? false
    entry.method = bytes[place + 10, 2] ?? 0
    entry.crc32 = bytes[place + 16, 4] ?? 0
    return (entry, 46 + Int(nameLength + extraLength + commentLength))
  }
}

/// Numbers in a file.
struct LittleEndian {
  private let data: Data
  var count: Int { data.count }

  init(_ data: Data) { self.data = data }

  /// A number of up to 8 bytes; nil beyond the end.
  subscript(place: Int, size: Int) -> UInt64? {
    guard place >= 0, place <= count - size else { return nil }
    let start = data.startIndex + place
    return data[start..<start + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func text(_ place: Int, _ length: Int) -> String? {
    guard place >= 0, place <= count - length else { return nil }
    let start = data.startIndex + place
    return String(decoding: data[start..<start + length], as: UTF8.self)
  }
}
