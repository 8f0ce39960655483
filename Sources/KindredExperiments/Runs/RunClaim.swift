// A folder that one process works in, and that is gone again where nothing came of it.

import Foundation

/// Makes a folder and keeps other processes out of it.
final class RunClaim {
  /// The folders that were made for it, outermost first.
  private let made: [URL]
  private var lock: RunLock?

  /// - Throws: `RunError` where the folder cannot be made or another process works in it.
  init(_ folder: RunFolder) throws {
    made = RunClaim.missing(folder.url)
    try folder.create()
    do {
      lock = try RunLock(folder)
    } catch {
      RunClaim.remove(made)
      throw error
    }
  }

  /// Lets go, and takes away the folders that were made as far as nothing was put into them: a refusal leaves no trace.
  func abandon() {
    lock = nil
    RunClaim.remove(made)
  }

  private static func missing(_ folder: URL) -> [URL] {
    var missing: [URL] = []
    var place = folder.standardizedFileURL
    while !FileManager.default.fileExists(atPath: place.path), place.path != "/" {
      missing.insert(place, at: 0)
      place.deleteLastPathComponent()
    }
    return missing
  }

  private static func remove(_ folders: [URL]) {
    // Removes none that is not empty.
    for folder in folders.reversed() { rmdir(folder.path) }
  }
}
