/// Finds what somebody probably meant, for "did you mean" in error messages.
enum Spelling {
  /// The candidate nearest to a word, or the only one that it begins with; nil when none is near enough to be meant.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    let limit = Double(max(2, word.count / 3))
    let ranked = candidates.map { (name: $0, distance: distance(word, $0)) }.filter {
      $0.distance <= limit && $0.distance < Double(max(word.count, $0.name.count))
    }
    if let nearest = ranked.min(by: { $0.distance < $1.distance }) { return nearest.name }
    let beginnings = candidates.filter { $0.count >= 4 && word.lowercased().hasPrefix($0.lowercased()) }
    return beginnings.count == 1 ? beginnings.first : nil
  }

  /// " did you mean 'epochs'?" for a near word, else the given list of all valid ones.
  static func advice(for word: String, among candidates: [String], else fallback: String) -> String {
    nearest(to: word, among: candidates).map { "did you mean '\($0)'?" } ?? fallback
  }

  /// The Damerau-Levenshtein distance (optimal string alignment): the letters to insert, delete, replace or swap with a
  /// neighbour. Replacing one digit by another costs less the closer they are, so that `stage4` is nearest to `stage3`.
  static func distance(_ left: String, _ right: String) -> Double {
    let (a, b) = (Array(left.lowercased()), Array(right.lowercased()))
    guard !a.isEmpty, !b.isEmpty else { return Double(max(a.count, b.count)) }
    var table = [[Double]](repeating: [Double](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { table[i][0] = Double(i) }
    for j in 0...b.count { table[0][j] = Double(j) }
    for i in 1...a.count {
      for j in 1...b.count {
        var best = min(table[i - 1][j] + 1, table[i][j - 1] + 1)
        best = min(best, table[i - 1][j - 1] + replacement(a[i - 1], b[j - 1]))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          best = min(best, table[i - 2][j - 2] + 1)
        }
        table[i][j] = best
      }
    }
    return table[a.count][b.count]
  }

  private static func replacement(_ a: Character, _ b: Character) -> Double {
    if a == b { return 0 }
    guard let x = a.wholeNumberValue, let y = b.wholeNumberValue else { return 1 }
    return 0.5 + Double(abs(x - y)) / 20
  }
}

/// Advice for words of the command line.
package enum Misspelling {
  /// Such as "did you mean 'train'?", or where to look.
  package static func advice(for word: String, among candidates: [String]) -> String {
    Spelling.advice(for: word, among: candidates, else: "'kindred --help' lists them")
  }
}
