// Folders that come and go with what is in them.

import Foundation

package enum Folder {
  /// Makes a folder and those it lies in, where they are not there.
  package static func make(_ folder: URL) throws(SystemError) {
    let path = folder.path(percentEncoded: false)
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError(ENOTDIR) }
      return
    }
    let parent = folder.deletingLastPathComponent()
    if errno == ENOENT, parent.path(percentEncoded: false) != path { try make(parent) }
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw SystemError(errno) }
  }

  /// The folder itself, or the nearest of those it lies in that is there.
  package static func nearest(to folder: URL) -> URL {
    var place = folder.standardizedFileURL
    while access(place.path(percentEncoded: false), F_OK) != 0, place.path != "/" { place.deleteLastPathComponent() }
    return place
  }

  /// Removes a folder and those it lies in, up to one that stays, as far as nothing is in them.
  package static func removeEmpty(_ folder: URL, below home: URL) {
    var place = folder.standardizedFileURL
    while place.path != home.path, place.path.hasPrefix(home.path), rmdir(place.path(percentEncoded: false)) == 0 {
      place.deleteLastPathComponent()
    }
  }
}
