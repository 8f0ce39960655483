// A comparison's recording of a teacher on disk, which other comparisons over the same runs may use too.

import Files
import Foundation

/// A finished recording that is kept in place while it is used, and goes when the last one to use it lets go.
struct SharedRecording {
  let folder: URL
  private let lock: FolderLock

  /// nil where another process took the recording away in the meantime, or writes it.
  /// - Throws: `RunError` where the system refuses.
  init?(_ folder: URL) throws {
    guard let lock = try SharedRecording.locked(folder, FolderLock.shared) else { return nil }
    (self.folder, self.lock) = (folder, lock)
  }

  /// - Throws: `RunError` where the recording cannot be removed.
  func release() throws {
    lock.release()
    try SharedRecording.remove(folder)
  }

  /// Removes a recording, unless another process writes or uses it.
  /// - Throws: `RunError` where it cannot be removed.
  static func remove(_ folder: URL) throws {
    guard let lock = try locked(folder, FolderLock.init(folder:)) else { return }
    try removeTogether(folder)
    lock.release()
    // The folder of recordings, once it is empty.
    rmdir(folder.deletingLastPathComponent().path)
  }

  /// Another process may be at the same work: as the lock's file goes with the folder, both can hold one. What it has
  /// removed already is then missing here, and what it has just made is in the way.
  private static func removeTogether(_ folder: URL, attempts: Int = 5) throws {
    do {
      try FileManager.default.removeItem(at: folder)
    } catch {
      guard FileManager.default.fileExists(atPath: folder.path) else { return }
      guard attempts > 1 else {
        throw RunError("the recording \(folder.displayName) cannot be removed: \(systemReason(error))")
      }
      try removeTogether(folder, attempts: attempts - 1)
    }
  }

  /// nil where another process has the folder, or there is none.
  private static func locked(
    _ folder: URL, _ lock: (URL) throws(FolderLockError) -> FolderLock
  ) throws -> FolderLock? {
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    do {
      return try lock(folder)
    } catch .held {
      return nil
    } catch .unavailable(let reason) {
      guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
      throw RunError("the recording \(folder.displayName) cannot be locked: \(reason)")
    }
  }
}
