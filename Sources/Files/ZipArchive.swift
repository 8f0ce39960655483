// The entries of a zip archive that stand in it as they are, as in the files that PyTorch writes.

import CZlib
import Foundation

/// A zip archive, mapped into memory: an entry's pages are read when it is asked for.
package final class ZipArchive {
  private let data: Data
  /// The entries whose checksum was found right: what many tensors share is summed once.
  private var checked: Set<String> = []
  private let entries: [String: ZipDirectory.Entry]

  /// - Throws: `ZipError` for what is no archive, a damaged one, and one in which a name stands twice.
  package init(_ data: Data) throws {
    guard let directory = ZipDirectory(data) else {
      throw ZipError("a zip file without its directory: it is truncated")
    }
    self.data = data
    entries = try Dictionary(directory.entries.map { ($0.name, $0) }) { first, _ in
      throw ZipError("'\(first.name.prefix(60))' stands in it twice")
    }
  }

  package var names: [String] { entries.keys.sorted() }

  /// An entry's bytes, compared with their checksum; nil where there is none of that name.
  /// - Throws: `ZipError` for a packed, truncated or damaged entry.
  package func contents(of name: String) throws -> Data? {
    guard let entry = entries[name] else { return nil }
    guard entry.method == 0, entry.packed == entry.size, !entry.isEncrypted else {
      throw ZipError("'\(name.prefix(60))' is packed or encrypted, which PyTorch never does")
    }
    let bytes = LittleEndian(data)
    // What its own header says of its length may be left open there.
    guard let start = Int(exactly: entry.start), bytes[start, 4] == 0x0403_4b50, let name = bytes[start + 26, 2],
      let extra = bytes[start + 28, 2], let size = Int(exactly: entry.size)
    else { throw ZipError("'\(entry.name.prefix(60))' is not where the directory says") }
    let first = start + 30 + Int(name + extra)
    guard first <= data.count, size <= data.count - first else {
      throw ZipError("'\(entry.name.prefix(60))' is truncated")
    }
    let contents = data[data.startIndex + first..<data.startIndex + first + size]
    if !checked.contains(entry.name) {
      guard checksum(contents) == entry.crc32 else { throw ZipError("'\(entry.name.prefix(60))' is damaged") }
      checked.insert(entry.name)
    }
    return contents
  }

  private func checksum(_ bytes: Data) -> UInt64 {
    bytes.withUnsafeBytes { UInt64(crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, bytes.count)) }
  }
}

/// An archive or an entry of it that cannot be read, in the words of a message.
package struct ZipError: Error, CustomStringConvertible, Sendable {
  package let description: String

  init(_ problem: String) { description = problem }
}
