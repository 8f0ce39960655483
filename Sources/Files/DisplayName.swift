// Paths and names as people read them.

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

extension String {
  /// The text as a terminal may show it: names of files and classes may hold anything.
  package var displayed: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.isInvisible ? "?" : $0 }))
  }
}

extension Unicode.Scalar {
  /// Whether it moves the cursor, changes the direction of writing, or ends a line.
  fileprivate var isInvisible: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }
}
