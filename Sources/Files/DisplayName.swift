// Paths as people write them.

import Foundation

extension URL {
  /// The path as people write it: from the current folder when it lies below.
  package var displayName: String {
    let path = standardizedFileURL.path(percentEncoded: false)
    let here = FileManager.default.currentDirectoryPath + "/"
    guard path != here, path + "/" != here else { return "." }
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }
}
