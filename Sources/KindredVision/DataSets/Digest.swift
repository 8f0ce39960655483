// Checksums, computed by OpenSSL.

import COpenSSL
import Files
import Foundation

/// A digest of bytes, in hexadecimal.
package enum Digest {
  /// What publishers of data sets give: guards against damage, not against malice.
  case md5
  case sha256

  package func hex(of bytes: [UInt8]) -> String { hex { bytes.withUnsafeBytes($0) } }

  /// The digest of bytes that `body` hands over piece by piece.
  func hex(_ body: ((UnsafeRawBufferPointer) -> Void) -> Void) -> String {
    var run = Run(self)
    body { run.update($0) }
    return run.finish()
  }

  /// The digest of a file, read a piece at a time.
  /// - Throws: `DataError` where it cannot be read.
  package func hex(of file: URL) throws -> String {
    do {
      let handle = try FileHandle(forReadingFrom: file)
      defer { try? handle.close() }
      var run = Run(self)
      while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { piece.withUnsafeBytes { run.update($0) } }
      return run.finish()
    } catch {
      throw DataError("\(file.path): cannot be read: \(systemReason(error))")
    }
  }

  private struct Run {
    private let context = EVP_MD_CTX_new()

    init(_ digest: Digest) {
      let started = EVP_DigestInit_ex(context, digest == .md5 ? EVP_md5() : EVP_sha256(), nil)
      precondition(started == 1, "OpenSSL offers no \(digest) here")
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    /// To be called once: frees what OpenSSL holds.
    mutating func finish() -> String {
      var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
      var count: UInt32 = 0
      EVP_DigestFinal_ex(context, &bytes, &count)
      EVP_MD_CTX_free(context)
      return bytes.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }
}
