// Keeps processes that work in one folder out of each other's way.

import Foundation

/// A lock on a folder, held by a file in it until it is released or the process ends, however it ends.
///
/// The file is removed with the lock, so that none stays behind; only a killed process leaves one, which locks nothing.
package final class FolderLock {
  package static let fileName = ".lock"

  private let path: String
  private var descriptor: Int32

  /// Locks the folder for one process alone.
  /// - Throws: `FolderLockError`.
  package convenience init(folder: URL) throws(FolderLockError) { try self.init(folder, LOCK_EX) }

  /// Locks the folder together with other readers, and against a process that wants it alone.
  /// - Throws: `FolderLockError`.
  package static func shared(folder: URL) throws(FolderLockError) -> FolderLock { try FolderLock(folder, LOCK_SH) }

  /// Whether some process has the folder, which is asked without touching the lock; false where the system does not tell.
  package static func isHeld(_ folder: URL) -> Bool {
    var found = stat()
    guard stat(folder.appending(path: fileName).path(percentEncoded: false), &found) == 0,
      let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8)
    else { return false }
    return locks.split(separator: "\n").contains { $0.contains("FLOCK") && $0.contains(":\(found.st_ino) ") }
  }

  private init(_ folder: URL, _ kind: Int32) throws(FolderLockError) {
    path = folder.appending(path: FolderLock.fileName).path(percentEncoded: false)
    descriptor = try FolderLock.open(path)
    while true {
      guard flock(descriptor, kind | LOCK_NB) == 0 else {
        let code = errno
        if code == EINTR { continue }
        close(descriptor)
        throw code == EWOULDBLOCK ? .held : .unavailable(systemReason(code))
      }
      // The holder before may have removed the file after it was opened here: such a lock would lock nothing.
      if isInPlace { return }
      close(descriptor)
      descriptor = try FolderLock.open(path)
    }
  }

  deinit { release() }

  /// Gives the folder back. Nothing happens the second time.
  package func release() {
    guard descriptor >= 0 else { return }
    // Only the last of several readers gets it alone. Removed while it is held: who has it open sees that it is gone.
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0, isInPlace { unlink(path) }
    close(descriptor)
    descriptor = -1
  }

  private static func open(_ path: String) throws(FolderLockError) -> Int32 {
    let descriptor = Foundation.open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .unavailable(systemReason(errno)) }
    return descriptor
  }

  /// Whether the path still leads to the file that is open here.
  private var isInPlace: Bool {
    var (own, found) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &found) == 0
      && (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)
  }
}

/// Why a folder could not be locked.
package enum FolderLockError: Error, Equatable, Sendable {
  /// Another process has it.
  case held
  /// The system refused, for this reason.
  case unavailable(String)
}
