// A folder that one process works in, and that is gone again where nothing came of it.

import Files
import Foundation

/// Makes a folder and keeps other processes out of it.
final class RunClaim {
  private let folder: URL
  /// What was there before: the folder, or the nearest one around it.
  private let home: URL
  private var lock: FolderLock?

  /// - Parameter wait: waits a little for another process that works in the folder, and returns true; false refuses.
  /// - Throws: `RunError` where the folder cannot be made, or another process works in it and is not waited for; whatever
  ///   `wait` throws.
  init(_ folder: RunFolder, wait: () throws -> Bool = { false }) throws {
    (self.folder, home) = (folder.url, Folder.nearest(to: folder.url))
    do {
      try acquire(folder, wait)
    } catch {
      abandon()
      throw error
    }
  }

  private func acquire(_ folder: RunFolder, _ wait: () throws -> Bool) throws {
    var hasWaited = false
    while lock == nil {
      try folder.create()
      do {
        lock = try FolderLock(folder: folder.url)
      } catch FolderLockError.held {
        hasWaited = try wait()
        guard hasWaited else {
          throw RunError(
            "another process is working in \(folder.name); wait for it or choose another folder with --out")
        }
      } catch FolderLockError.unavailable(let reason) {
        // Whoever was waited for may have taken the folder away.
        if hasWaited, !FileManager.default.fileExists(atPath: folder.url.path) { continue }
        throw RunError("\(folder.name) cannot be written to: \(reason)")
      }
    }
  }

  /// Lets go, and takes away the folders that were made as far as nothing was put into them: a refusal leaves no trace.
  func abandon() {
    lock = nil
    Folder.removeEmpty(folder, below: home)
  }
}

/// Waits for another process until a stop is asked for.
struct Patience {
  private var hasBegun = false

  /// - Parameter onBegin: is called the first time.
  /// - Throws: `Stopped`; whatever `onBegin` throws.
  mutating func wait(shouldStop: () -> Bool, onBegin: () throws -> Void) throws {
    if !hasBegun { try onBegin() }
    hasBegun = true
    guard !shouldStop() else { throw Stopped() }
    usleep(200_000)
  }

  /// A stop was asked for while another process was waited for.
  struct Stopped: Error {}
}
