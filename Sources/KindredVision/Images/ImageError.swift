// Why a file is no image that can be used.

/// What is wrong with an image, in one line that stands behind the file's name: "truncated JPEG: ...".
public struct ImageError: Error, CustomStringConvertible, Sendable, Equatable {
  /// One line for a person.
  public let description: String

  init(_ description: String) { self.description = description }
}
