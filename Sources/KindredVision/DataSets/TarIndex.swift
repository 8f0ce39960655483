// Where the files in a tar archive lie, so that each can be read without unpacking.

import Files
import Foundation

/// The plain files of an uncompressed tar archive (ustar, GNU's and pax's long names), in its order.
struct TarIndex {
  struct Entry: Equatable {
    let name: String
    let offset: Int
    let size: Int
  }

  private static let block = 512
  /// Of a long name's own entry.
  private static let longestName = 1 << 20
  private(set) var entries: [Entry] = []

  /// - Throws: `DataError` for a file that is no archive, or is cut off.
  init(_ file: URL) throws {
    let size = try DataFile.size(of: file)
    let reader = try PositionedFile(file)
    var (offset, longName) = (0, String?.none)
    while offset + TarIndex.block <= size {
      let header = TarHeader(try reader.bytes(at: offset, count: TarIndex.block))
      if header.isEmpty { break }
      guard let content = header.size, header.isGenuine else {
        throw DataError(file, at: offset, offset == 0 ? "is no tar archive" : "the archive is damaged here")
      }
      let first = offset + TarIndex.block
      guard content <= size - first else {
        throw DataError(file, at: size, "truncated: it ends within \(longName ?? header.name)")
      }
      switch header.kind {
      case .longName, .attributes:
        guard content <= TarIndex.longestName else { throw DataError(file, at: offset, "a name of \(content) bytes") }
        let text = try reader.bytes(at: first, count: content)
        longName = header.kind == .longName ? TarHeader.text(text[...]) : TarHeader.path(inAttributes: text) ?? longName
      case .file:
        entries.append(Entry(name: longName ?? header.name, offset: first, size: content))
        longName = nil
      case .other: longName = nil
      }
      offset = first + (content + TarIndex.block - 1) / TarIndex.block * TarIndex.block
    }
    guard offset <= size, !entries.isEmpty else { throw DataError(file, at: size, "has no files, or is cut off") }
  }
}

/// The 512 bytes before each file of an archive.
private struct TarHeader {
  enum Kind { case file, longName, attributes, other }

  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// At the end of an archive there are only zeros.
  var isEmpty: Bool { bytes.allSatisfy { $0 == 0 } }

  /// Whether the sum of its bytes is the one it says, with spaces for the sum itself.
  var isGenuine: Bool {
    let sum = bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    return TarHeader.number(bytes[148..<156]) == sum
  }

  var size: Int? { TarHeader.number(bytes[124..<136]) }

  var name: String {
    let (name, prefix) = (TarHeader.text(bytes[0..<100]), TarHeader.text(bytes[345..<500]))
    let isUStar = bytes[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0])
    return isUStar && !prefix.isEmpty ? "\(prefix)/\(name)" : name
  }

  var kind: Kind {
    switch bytes[156] {
    case 0, UInt8(ascii: "0"): .file
    case UInt8(ascii: "L"): .longName
    case UInt8(ascii: "x"): .attributes
    default: .other
    }
  }

  static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

  /// Octal digits, or, for sizes beyond them, a big-endian number whose first bit is set.
  private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
    if let first = bytes.first, first & 0x80 != 0 {
      guard first == 0x80, bytes.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else { return nil }
      return bytes.suffix(7).reduce(0) { $0 << 8 | Int($1) }
    }
    let digits = text(bytes).trimmingCharacters(in: .whitespaces)
    return digits.isEmpty ? 0 : Int(digits, radix: 8).flatMap { $0 >= 0 ? $0 : nil }
  }

  /// The path among pax's attributes: lines `LENGTH key=value`.
  static func path(inAttributes bytes: [UInt8]) -> String? {
    var rest = bytes[...]
    while let space = rest.firstIndex(of: 32), let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
      length > space - rest.startIndex + 1, length <= rest.count
    {
      let line = rest[(space + 1)..<(rest.startIndex + length - 1)]
      if line.starts(with: "path=".utf8) { return String(decoding: line.dropFirst(5), as: UTF8.self) }
      rest = rest[(rest.startIndex + length)...]
    }
    return nil
  }
}

/// A file that is read at any place, by any thread.
final class PositionedFile: Sendable {
  private let file: URL
  private let descriptor: Int32

  /// - Throws: `DataError` where it cannot be opened.
  init(_ file: URL) throws {
    self.file = file
    descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DataError("\(file.displayName): cannot be read: \(systemReason(errno))") }
  }

  deinit { close(descriptor) }

  /// - Throws: `DataError` where there are not so many bytes.
  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      while done < count {
        let read = pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
        if read < 0, errno == EINTR { continue }
        guard read > 0 else {
          let problem = read == 0 ? "truncated: \(count) bytes expected" : "cannot be read: \(systemReason(errno))"
          throw DataError("\(file.displayName): \(problem) at byte \(offset + done)")
        }
        done += read
      }
    }
  }
}
