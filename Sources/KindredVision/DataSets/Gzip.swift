// Decompression that a damaged or hostile file cannot make crash or allocate without end.

import CZlib
import Foundation

package enum Gzip {
  private static let chunk = 1 << 16

  /// The contents of a gzip file, at most `limit` bytes; memory grows with what was really decompressed.
  /// - Throws: `DataError` for a stream that is damaged, cut off, or holds more than `limit` bytes.
  package static func inflate(_ file: URL, limit: Int) throws -> [UInt8] {
    var input = [UInt8](try DataFile.read(file))
    let inputCount = input.count
    var stream = z_stream()
    let gzipFormat = 16 + MAX_WBITS
    guard inflateInit2_(&stream, gzipFormat, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw DataError("\(file.path): zlib cannot start")
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    try input.withUnsafeMutableBufferPointer { source in
      var consumed = 0
      var piece = [UInt8](repeating: 0, count: chunk)
      var status = Z_OK
      while status != Z_STREAM_END {
        let available = min(chunk, inputCount - consumed)
        stream.next_in = source.baseAddress.map { $0 + consumed }
        stream.avail_in = UInt32(available)
        let produced = piece.withUnsafeMutableBufferPointer { target in
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          status = CZlib.inflate(&stream, Z_NO_FLUSH)
          return target.count - Int(stream.avail_out)
        }
        consumed += available - Int(stream.avail_in)
        output.append(contentsOf: piece[..<produced])
        guard output.count <= limit else {
          throw DataError(file, at: consumed, "holds more than the \(limit) bytes expected")
        }
        if status == Z_STREAM_END { break }
        let isCutOff = consumed == inputCount && produced == 0
        guard !isCutOff else { throw DataError(file, at: consumed, "truncated: the compressed stream does not end") }
        guard status == Z_OK || status == Z_BUF_ERROR else {
          let reason = stream.msg.map { String(cString: $0) } ?? "zlib error \(status)"
          throw DataFile.stranger(file)
            ?? DataError(file, at: consumed, "the compressed stream is damaged: \(reason)")
        }
      }
      guard consumed == inputCount else {
        throw DataError(file, at: consumed, "\(inputCount - consumed) bytes follow the compressed stream")
      }
    }
    return output
  }
}
