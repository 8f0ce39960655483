// Which of several processes this one is, and what of a batch falls to it.

/// One of several processes that do one thing together, counted from 0.
public struct Rank: Sendable, Hashable {
  /// Which one, counted from 0.
  public let index: Int
  /// How many there are.
  public let count: Int

  /// The only process.
  public static let only = Rank(0, of: 1)

  /// One of `count` processes, 1 or more.
  public init(_ index: Int, of count: Int) {
    precondition(count > 0 && (0..<count).contains(index), "rank \(index) of \(count) processes")
    (self.index, self.count) = (index, count)
  }

  /// Whether it writes files and speaks for all.
  public var isFirst: Bool { index == 0 }

  /// Its share of so many rows, one after another: a rank's rows follow those of the rank before it.
  public func rows(of total: Int) -> Range<Int> { index * total / count..<(index + 1) * total / count }

  /// All ranks in order.
  var all: [Rank] { (0..<count).map { Rank($0, of: count) } }
}
