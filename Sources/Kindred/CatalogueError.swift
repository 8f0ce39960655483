// What a program adds to a catalogue has a name of its own.

/// A name that a program cannot give to what it adds to a catalogue: one line.
public struct CatalogueError: Error, CustomStringConvertible, Sendable {
  /// Which name, and why.
  public let description: String

  /// Refuses a name that is taken, or that configurations and commands could not hold.
  /// - Parameter kind: what is called so, such as `network`.
  package static func check(_ name: String, of kind: String, isTaken: Bool) throws {
    guard name.wholeMatch(of: /[A-Za-z][A-Za-z0-9_-]*/) != nil else {
      throw CatalogueError(
        description: "'\(name)' cannot name a \(kind): use letters, digits, dashes and underscores, a letter first")
    }
    guard !isTaken else {
      throw CatalogueError(description: "'\(name)' names a \(kind) already, or something beside it; take another name")
    }
  }
}
