// One file over HTTP into a `.partial` file, going on where an earlier attempt stopped.

import CCurl
import Files
import Foundation

/// Fetches an address into a file that may already hold the beginning.
///
/// The file, and the folder it lies in, are made with the first byte that comes.
final class FileTransfer {
  private let address: URL
  private let file: URL
  private let patience: Int
  private let progress: (Int, Int?) -> Void
  private var descriptor: Int32 = -1
  /// Bytes on disk.
  private var received = 0
  private var total: Int?
  private var status = 0
  private var failure: DataError?
  private var hasNoRoom = false

  /// - Parameter patience: the seconds without a byte after which the server is given up.
  init(
    from address: URL, to file: URL, patience: Int = 30,
    progress: @escaping (_ received: Int, _ total: Int?) -> Void
  ) {
    (self.address, self.file, self.patience, self.progress) = (address, file, patience, progress)
  }

  /// Returns when the file is complete, as far as the server's word goes.
  /// - Throws: `DataError`; what has come so far stays for the next attempt, unless there is none: the file is not there, or
  ///   there is no room for it.
  func run() throws {
    try attempt()
    // The server has nothing from there on: the file is complete, or is not a beginning of this one.
    if status == 416, total != received {
      guard truncate(file.path, 0) == 0 else { throw unwritable(SystemError(errno)) }
      try attempt()
    }
    guard isFile || (status == 416 && total == received) else {
      if status == 404 || status == 410 { unlink(file.path) }
      throw DataError("\(address.absoluteString): the server answered \(status)\(FileTransfer.meaning(of: status))")
    }
  }

  /// Whether what the server sends is the file, and not a page for a person.
  private var isFile: Bool { status == 200 || status == 206 }

  private func attempt() throws {
    received = (try? DataFile.size(of: file)) ?? 0
    (descriptor, total, status, failure) = (-1, nil, 0, nil)
    var isWhole = false
    defer { close(isWhole: isWhole) }
    let request = HTTPRequest(address, from: received, patience: patience)
    let ending = request.perform { [self] in take($0, of: request) }
    status = request.status
    // A file of no bytes is one too.
    if isFile, ending == nil { _ = begin(request) }
    if let failure { throw failure }
    if status == 416 { total = request.contentRange?.total }
    let isShort = isFile && total.map { received < $0 } ?? false
    // A refusal's page is not read to its end.
    if status == 0 || isFile, let reason = ending ?? (isShort ? "the connection was closed" : nil) {
      throw interrupted(reason)
    }
    isWhole = true
    guard descriptor < 0 || fsync(descriptor) == 0 || errno == EINVAL else { throw unwritable(SystemError(errno)) }
  }

  /// Nothing is left of a file of which nothing came, or that has no room.
  private func close(isWhole: Bool) {
    guard descriptor >= 0 else { return }
    Foundation.close(descriptor)
    if (received == 0 && !isWhole) || hasNoRoom { unlink(file.path) }
  }

  /// Takes a piece of what the server sends. Returns whether to go on.
  private func take(_ bytes: UnsafeRawBufferPointer, of request: HTTPRequest) -> Bool {
    status = request.status
    guard isFile, begin(request) else { return false }
    do throws(SystemError) {
      try AtomicFile.write(Data(bytes), to: descriptor)
      received += bytes.count
    } catch {
      received = max(0, Int(lseek(descriptor, 0, SEEK_END)))
      hasNoRoom = [ENOSPC, EDQUOT].contains(error.code)
      failure = unwritable(
        error,
        hasNoRoom
          ? "; the \(received) bytes that had come were deleted"
          : "; run the command again to go on from byte \(received)")
      return false
    }
    progress(received, total)
    return true
  }

  /// Opens the file, once the server has said which part of it follows. Returns whether that is the right one.
  private func begin(_ request: HTTPRequest) -> Bool {
    guard descriptor < 0 else { return true }
    if request.status == 206 {
      guard let range = request.contentRange, range.start == received else {
        failure = DataError("\(address.absoluteString): the server sent another part than the one asked for")
        return false
      }
      total = range.total
    } else {
      // The server sends the whole file, whatever was asked for.
      (received, total) = (0, request.contentLength)
    }
    do throws(SystemError) {
      try Folder.make(file.deletingLastPathComponent())
      descriptor = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
      guard descriptor >= 0, received > 0 || ftruncate(descriptor, 0) == 0 || errno == EINVAL else {
        throw SystemError(errno)
      }
    } catch {
      failure = unwritable(error)
      return false
    }
    progress(received, total)
    return true
  }

  private func unwritable(_ error: SystemError, _ advice: String = "") -> DataError {
    DataError("\(file.path): cannot be written: \(error)\(advice)")
  }

  private func interrupted(_ reason: String) -> DataError {
    let size = total.map { " of \($0)" } ?? ""
    let advice = received > 0 ? "; run the command again to go on from there" : ""
    return DataError("\(address.absoluteString): \(reason), \(received)\(size) bytes received\(advice)")
  }

  private static func meaning(of status: Int) -> String {
    switch status {
    case 401, 403: return " (not allowed)"
    case 404, 410: return " (not found)"
    case 429: return " (too many requests, try later)"
    case 500...599: return " (its own failure, try later)"
    default: return ""
    }
  }
}
