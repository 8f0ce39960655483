/// Bounds what a line of aliases can stand for, before the parser sees it.
///
/// The parser compares a section's keys as wholes. An alias of aliases of aliases as a key would keep it busy for years.

enum YAMLAliases {
  /// Whatever they stand for, so many aliases of one another come to no more than some millions of values.
  static let most = 40

  /// The line, counted from 1, of the first alias that is one too many. What only looks like an alias counts too, but for
  /// lines of comment.
  static func lineBeyondMost(in text: String) -> Int? {
    var aliases = 0
    for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) != UInt8(ascii: "#") else {
        continue
      }
      aliases += line.count { $0 == UInt8(ascii: "*") }
      if aliases > most { return index + 1 }
    }
    return nil
  }
}
