// Numbers in messages.

extension Double {
  /// The number to print: what is not a number has no sign for people, though C and Swift print one.
  package var printed: Double { isNaN ? .nan : self }
}
