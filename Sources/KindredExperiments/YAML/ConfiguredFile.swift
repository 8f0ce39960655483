// A path in a configuration: it means a file, and it keeps the form in which it was written.

import Foundation

/// A file or folder that a configuration names. Two are equal when they mean the same file.
package struct ConfiguredFile: Sendable, Equatable {
  package let url: URL
  /// Whether it was written from the folder of its configuration on. It is written so again, from wherever that lies then:
  /// a project that moves as a whole still finds its files.
  package let isRelative: Bool

  package init(_ url: URL, isRelative: Bool = false) {
    self.url = url
    self.isRelative = isRelative
  }

  package static func == (one: ConfiguredFile, other: ConfiguredFile) -> Bool { one.url == other.url }

  /// The path as it stands in a configuration in `folder`; absolute without one.
  func path(in folder: URL?) -> String {
    let own = url.path(percentEncoded: false)
    guard isRelative, let folder else { return own }
    let (target, start) = (
      own.split(separator: "/"), folder.standardizedFileURL.path(percentEncoded: false).split(separator: "/")
    )
    let shared = zip(target, start).prefix { $0 == $1 }.count
    let steps = [Substring](repeating: "..", count: start.count - shared) + target[shared...]
    return steps.isEmpty ? "." : steps.joined(separator: "/")
  }
}
