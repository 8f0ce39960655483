// A comparison's recording of a teacher on disk, which other comparisons over the same runs may use too.

import Files
import Foundation

/// A finished recording that is kept in place while it is used, and goes when the last one to use it lets go.
struct SharedRecording {
  let folder: URL
  private let lock: FolderLock

  /// nil where another process took the recording away in the meantime.
  init?(_ folder: URL) {
    guard let lock = try? FolderLock.shared(folder: folder) else { return nil }
    (self.folder, self.lock) = (folder, lock)
  }

  func release() {
    lock.release()
    SharedRecording.remove(folder)
  }

  /// Removes a recording, unless another process writes or uses it.
  static func remove(_ folder: URL) {
    guard FileManager.default.fileExists(atPath: folder.path), let lock = try? FolderLock(folder: folder) else {
      return
    }
    try? FileManager.default.removeItem(at: folder)
    lock.release()
    // The folder of recordings, once it is empty.
    rmdir(folder.deletingLastPathComponent().path)
  }
}
