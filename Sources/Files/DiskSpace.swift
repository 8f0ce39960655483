// How much a disk still holds.

import Foundation

package enum DiskSpace {
  /// The bytes that can still be written beside a file or folder that need not exist yet; nil where it is not known.
  package static func free(at url: URL) -> Int? {
    var place = url.standardizedFileURL
    while !FileManager.default.fileExists(atPath: place.path), place.path != "/" { place.deleteLastPathComponent() }
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
    return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
  }
}
