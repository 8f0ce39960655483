// What is wrong with a data set, in one line.

import Foundation

/// A data set that cannot be read or fetched: which file, at which byte, and what to do.
public struct DataError: Error, CustomStringConvertible, Sendable, Equatable {
  /// One line for a person.
  public let description: String

  init(_ description: String) { self.description = description }

  init(_ file: URL, at offset: Int, _ problem: String) {
    self.init("\(file.path): \(problem) (at byte \(offset))")
  }
}
