// Decompression that a damaged or hostile file cannot make crash or allocate without end.

import CZlib
import Foundation

package enum Gzip {
  /// The contents of a gzip file, at most `limit` bytes; memory grows with what was really decompressed.
  /// - Throws: `DataError` for a stream that is damaged, cut off, or holds more than `limit` bytes.
  package static func inflate(_ file: URL, limit: Int) throws -> [UInt8] {
    let bytes = try DataFile.read(file)
    return try CompressedStream(file: file, range: 0..<bytes.count, format: .gzip).inflate(bytes, limit: limit)
  }
}

/// A part of a file that is one compressed stream.
struct CompressedStream {
  enum Format {
    case gzip, zlib

    /// What tells zlib which one it is.
    var windowBits: Int32 { self == .gzip ? 16 + MAX_WBITS : MAX_WBITS }
  }

  private static let chunk = 1 << 16

  /// For messages.
  let file: URL
  /// Where in the file it lies.
  let range: Range<Int>
  let format: Format

  /// Its contents, at most `limit` bytes; memory grows with what was really decompressed.
  /// - Parameter bytes: the whole file.
  /// - Throws: `DataError` for a stream that is damaged, cut off, holds more than `limit` bytes, or ends before its range.
  func inflate(_ bytes: Data, limit: Int) throws -> [UInt8] {
    try bytes.withUnsafeBytes { try inflate(UnsafeRawBufferPointer(rebasing: $0[range]), limit: limit) }
  }

  private func inflate(_ input: UnsafeRawBufferPointer, limit: Int) throws -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(&stream, format.windowBits, ZLIB_VERSION, size) == Z_OK else {
      throw DataError("\(file.path): zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    let source = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
    var output: [UInt8] = []
    var consumed = 0
    var piece = [UInt8](repeating: 0, count: CompressedStream.chunk)
    while true {
      let available = min(CompressedStream.chunk, input.count - consumed)
      stream.next_in = source.map { $0 + consumed }
      stream.avail_in = UInt32(available)
      var status = Z_OK
      let produced = piece.withUnsafeMutableBufferPointer { target in
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        status = CZlib.inflate(&stream, Z_NO_FLUSH)
        return target.count - Int(stream.avail_out)
      }
      consumed += available - Int(stream.avail_in)
      output.append(contentsOf: piece[..<produced])
      guard output.count <= limit else { throw problem(at: consumed, "holds more than the \(limit) bytes expected") }
      if status == Z_STREAM_END { break }
      let isCutOff = consumed == input.count && produced == 0
      guard !isCutOff else { throw problem(at: consumed, "truncated: the compressed stream does not end") }
      guard status == Z_OK || status == Z_BUF_ERROR else {
        let reason = stream.msg.map { String(cString: $0) } ?? "zlib error \(status)"
        throw DataFile.stranger(file) ?? problem(at: consumed, "the compressed stream is damaged: \(reason)")
      }
    }
    guard consumed == input.count else {
      throw problem(at: consumed, "\(input.count - consumed) bytes follow the compressed stream")
    }
    return output
  }

  private func problem(at offset: Int, _ text: String) -> DataError {
    DataError(file, at: range.lowerBound + offset, text)
  }
}
