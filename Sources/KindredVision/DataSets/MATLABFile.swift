// Arrays of small whole numbers in MATLAB's files of version 5, as far as data sets are published in them.

import Files
import Foundation

/// The named arrays of a file, each read only if it is one that is expected.
struct MATLABFile {
  /// An array as it is expected.
  struct Expected {
    let name: String
    let dimensions: [Int]
    /// Whether its numbers must lie in the file as bytes; others may be wider.
    var isBytes = false

    var count: Int { dimensions.reduce(1, *) }
    /// What its variable takes at most, with the headers inside it.
    fileprivate var limit: Int { 512 + count * (isBytes ? 1 : 8) }
  }

  /// An array's numbers, the first index running fastest.
  struct Array {
    fileprivate let type: Number
    /// Of the file's numbers, little-endian.
    fileprivate let bytes: ArraySlice<UInt8>
  }

  private static let header = 128
  private static let tag = 8

  private let arrays: [String: Array]

  /// - Throws: `DataError` for another kind of file, a damaged one, or arrays that are not those expected.
  init(_ file: URL, expecting expected: [Expected]) throws {
    let bytes = try DataFile.read(file)
    try MATLABFile.checkHeader(bytes, file)
    let most = expected.map(\.limit).max() ?? 0
    var arrays: [String: Array] = [:]
    var offset = MATLABFile.header
    while offset < bytes.count {
      guard bytes.count - offset >= MATLABFile.tag else { throw DataError(file, at: offset, "truncated") }
      let type = ElementType(rawValue: bytes.number(at: offset))
      let (first, size) = (offset + MATLABFile.tag, bytes.number(at: offset + 4))
      guard size <= bytes.count - first else {
        throw DataError(file, at: bytes.count, "truncated: it ends within a variable of \(size) bytes")
      }
      let variable: Variable
      do throws(Malformed) {
        switch type {
        case .compressed:
          let stream = CompressedStream(file: file, range: first..<first + size, format: .zlib)
          variable = try Variable(compressed: stream, bytes, limit: most)
        case .matrix: variable = try Variable([UInt8](bytes[offset..<first + size]))
        default: throw .problem("no variable where one begins")
        }
        guard let wanted = expected.first(where: { $0.name == variable.name }), arrays[variable.name] == nil else {
          throw .problem("a variable '\(variable.name.prefix(40))' that is not expected")
        }
        arrays[variable.name] = try variable.array(as: wanted)
      } catch {
        switch error {
        case .problem(let text): throw DataError(file, at: offset, text)
        case .stream(let error): throw error
        }
      }
      offset = first + size
    }
    if let missing = expected.first(where: { arrays[$0.name] == nil }) {
      throw DataError(file, at: bytes.count, "has no variable '\(missing.name)', or is cut off before it")
    }
    self.arrays = arrays
  }

  /// One that was expected.
  subscript(_ name: String) -> Array {
    guard let array = arrays[name] else { preconditionFailure("'\(name)' was not expected") }
    return array
  }

  private static func checkHeader(_ bytes: Data, _ file: URL) throws {
    guard bytes.starts(with: "MATLAB 5.0 MAT-file".utf8), bytes.count >= header else {
      throw DataFile.stranger(file) ?? DataError(file, at: 0, "is no MATLAB file of version 5")
    }
    guard bytes[124] == 0, bytes[125] == 1, bytes[126] == UInt8(ascii: "I"), bytes[127] == UInt8(ascii: "M") else {
      throw DataError(file, at: 124, "is a MATLAB file of another version, or big-endian")
    }
  }
}

extension MATLABFile.Array {
  /// The bytes of an array that was expected as such.
  var asBytes: ArraySlice<UInt8> { bytes }

  /// Its numbers; nil for those that are no whole number.
  var numbers: [Int?] {
    stride(from: bytes.startIndex, to: bytes.endIndex, by: type.size).map { type.number(bytes[$0..<$0 + type.size]) }
  }
}

/// What a part of a file is; there are more of them.
private enum ElementType: Int {
  case int8 = 1
  case uint8, int16, uint16, int32, uint32
  case double = 9
  case matrix = 14
  case compressed = 15

  var number: Number? {
    switch self {
    case .int8: Number(size: 1, isSigned: true)
    case .uint8: Number(size: 1)
    case .int16: Number(size: 2, isSigned: true)
    case .uint16: Number(size: 2)
    case .int32: Number(size: 4, isSigned: true)
    case .uint32: Number(size: 4)
    case .double: Number(size: 8, isDouble: true)
    case .matrix, .compressed: nil
    }
  }
}

/// How a number lies in a file.
private struct Number {
  let size: Int
  var isSigned = false
  var isDouble = false

  /// nil for one that is not whole.
  func number(_ bytes: ArraySlice<UInt8>) -> Int? {
    let bits = bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    if isDouble { return Int(exactly: Double(bitPattern: bits)) }
    guard isSigned else { return Int(bits) }
    let unused = UInt64(64 - 8 * size)
    return Int(Int64(bitPattern: bits << unused) >> Int64(unused))
  }
}

/// What is wrong with a variable.
private enum Malformed: Error {
  case problem(String)
  case stream(any Error)
}

/// An array as it lies in a file: a matrix element of flags, dimensions, name and numbers.
private struct Variable {
  let name: String
  private let dimensions: [Int]
  private let type: ElementType?
  private let numbers: ArraySlice<UInt8>

  init(compressed stream: CompressedStream, _ bytes: Data, limit: Int) throws(Malformed) {
    let inflated: [UInt8]
    do {
      inflated = try stream.inflate(bytes, limit: limit)
    } catch {
      throw .stream(error)
    }
    try self.init(inflated)
  }

  /// - Parameter bytes: the whole element, with its tag.
  init(_ bytes: [UInt8]) throws(Malformed) {
    guard bytes.count >= 8, ElementType(rawValue: bytes.number(at: 0)) == .matrix,
      bytes.number(at: 4) <= bytes.count - 8
    else { throw .problem("a compressed part that holds no variable") }
    var rest = bytes[8..<8 + bytes.number(at: 4)]
    let flags = try Element(&rest)
    let dimensions = try Element(&rest)
    let name = try Element(&rest)
    guard flags.type == .uint32, flags.bytes.count == 8, dimensions.type == .int32, dimensions.bytes.count <= 64,
      name.type == .int8, name.bytes.count <= 63
    else { throw .problem("a variable whose head is not one of an array") }
    // Whether it has an imaginary part, and its class: numbers are 6 (double) to 13.
    guard flags.bytes[flags.bytes.startIndex + 1] & 8 == 0, (6...13).contains(flags.bytes[flags.bytes.startIndex])
    else {
      throw .problem("a variable that is no array of real numbers")
    }
    self.name = String(decoding: name.bytes, as: UTF8.self)
    self.dimensions = stride(from: 0, to: dimensions.bytes.count / 4 * 4, by: 4).map {
      Int(Int32(truncatingIfNeeded: dimensions.bytes.number(at: dimensions.bytes.startIndex + $0)))
    }
    let numbers = try Element(&rest)
    (type, self.numbers) = (numbers.type, numbers.bytes)
  }

  func array(as expected: MATLABFile.Expected) throws(Malformed) -> MATLABFile.Array {
    guard dimensions == expected.dimensions else {
      let (found, wanted) = (Variable.inWords(dimensions), Variable.inWords(expected.dimensions))
      throw .problem("'\(name)' is \(found), \(wanted) expected")
    }
    guard let number = type?.number, !expected.isBytes || type == .uint8 else {
      throw .problem("'\(name)' is not of \(expected.isBytes ? "bytes" : "whole numbers")")
    }
    guard numbers.count == expected.count * number.size else {
      throw .problem("'\(name)' has \(numbers.count) bytes, \(expected.count * number.size) expected")
    }
    return .init(type: number, bytes: numbers)
  }

  private static func inWords(_ dimensions: [Int]) -> String {
    dimensions.prefix(6).map { "\($0)" }.joined(separator: " x ")
  }
}

/// A part of a variable. Up to four bytes stand in its tag itself, others are padded to eight.
private struct Element {
  let type: ElementType?
  let bytes: ArraySlice<UInt8>

  init(_ rest: inout ArraySlice<UInt8>) throws(Malformed) {
    guard rest.count >= 8 else { throw .problem("a variable that is cut off") }
    let start = rest.startIndex
    let word = rest.number(at: start)
    let isSmall = word >> 16 != 0
    let size = isSmall ? word >> 16 : rest.number(at: start + 4)
    let first = start + (isSmall ? 4 : 8)
    guard size <= (isSmall ? 4 : rest.endIndex - first) else { throw .problem("a variable that is cut off") }
    type = ElementType(rawValue: word & 0xffff)
    bytes = rest[first..<first + size]
    rest = rest[min(isSmall ? start + 8 : first + (size + 7) / 8 * 8, rest.endIndex)...]
  }
}

extension RandomAccessCollection<UInt8> where Index == Int {
  /// A number of 32 bits, little-endian.
  fileprivate func number(at offset: Int) -> Int {
    (0..<4).reversed().reduce(0) { $0 << 8 | Int(self[offset + $1]) }
  }
}
