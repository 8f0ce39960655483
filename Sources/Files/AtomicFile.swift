// Files that appear whole or not at all.

import Foundation

/// Writes to a `.partial` file beside the target, makes the disk take it, and renames it.
package enum AtomicFile {
  /// - Throws: `AtomicFileError` with the system's reason, such as a full disk; what was there before stays.
  package static func write(_ data: Data, to file: URL) throws {
    let partial = file.path + ".partial"
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw AtomicFileError(path: partial, code: errno) }
    do {
      try writeAll(data, to: descriptor, partial)
      guard fsync(descriptor) == 0 else { throw AtomicFileError(path: partial, code: errno) }
    } catch {
      close(descriptor)
      unlink(partial)
      throw error
    }
    close(descriptor)
    guard rename(partial, file.path) == 0 else {
      let code = errno
      unlink(partial)
      throw AtomicFileError(path: file.path, code: code)
    }
  }

  private static func writeAll(_ data: Data, to descriptor: Int32, _ path: String) throws {
    try data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let written = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { throw AtomicFileError(path: path, code: errno) }
        done += written
      }
    }
  }
}

/// A file that the system would not write.
package struct AtomicFileError: Error, CustomStringConvertible, Sendable {
  package let path: String
  package let code: Int32

  package var description: String { "\(path): \(String(cString: strerror(code)))" }
}
