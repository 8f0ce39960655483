// How much a disk still holds.

import Foundation

package enum DiskSpace {
  /// The bytes that can still be written beside a file or folder that need not exist yet; nil where it is not known.
  package static func free(at url: URL) -> Int? {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: Folder.nearest(to: url).path)
    return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
  }
}
