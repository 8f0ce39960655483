// Which batches a shard holds, and which shards are whose: functions of the header alone, so that any number of processes
// agree on them.

/// The ranges of batches that are a shard each.
package struct RecordingLayout: Sendable, Equatable {
  private static let shardBytes = 16 << 20
  private static let shardBatches = 64

  /// All batches.
  let batches: Int
  /// The batches of each range but the last, which may be shorter.
  let length: Int

  /// - Parameter batchBytes: what the signals of a batch take.
  init(batches: Int, batchBytes: Int) {
    self.batches = batches
    length = min(RecordingLayout.shardBatches, max(1, RecordingLayout.shardBytes / max(1, batchBytes)))
  }

  /// How many ranges there are.
  package var count: Int { batches / length + (batches % length == 0 ? 0 : 1) }

  /// The batches of a range.
  subscript(index: Int) -> ClosedRange<Int> { index * length...min((index + 1) * length, batches) - 1 }

  /// The range that a batch lies in.
  func index(of batch: Int) -> Int { batch / length }
}

/// One of several shares of a recording: every so many-th range.
public struct RecordingPart: Sendable, Equatable, Codable {
  /// Which one, counted from 1.
  public let number: Int
  /// How many there are.
  public let count: Int

  /// All of a recording.
  public static let whole = RecordingPart(1, of: 1)
  /// More parts than there are machines.
  package static let largestCount = 1_000_000

  /// One of `count` parts, counted from 1.
  public init(_ number: Int, of count: Int) {
    precondition((1...RecordingPart.largestCount).contains(count) && (1...count).contains(number), "no such part")
    (self.number, self.count) = (number, count)
  }

  /// Its ranges.
  package func ranges(of layout: RecordingLayout) -> StrideTo<Int> {
    stride(from: number - 1, to: layout.count, by: count)
  }

  /// Whether it records a batch.
  package func holds(_ batch: Int, of layout: RecordingLayout) -> Bool {
    layout.index(of: batch) % count == number - 1
  }

  /// How many of some batches are its own.
  package func batchCount(in batches: Range<Int>, of layout: RecordingLayout) -> Int {
    func below(_ batch: Int) -> Int {
      let (rounds, rest) = batch.quotientAndRemainder(dividingBy: layout.length * count)
      return rounds * layout.length + min(layout.length, max(0, rest - (number - 1) * layout.length))
    }
    return below(batches.upperBound) - below(batches.lowerBound)
  }

  /// The parts, of so many, to which some batches belong.
  package static func numbers(of count: Int, with batches: [Range<Int>], in layout: RecordingLayout) -> [Int] {
    var numbers: Set<Int> = []
    for range in batches where numbers.count < count && !range.isEmpty {
      let (first, last) = (layout.index(of: range.lowerBound), layout.index(of: range.upperBound - 1))
      for index in first...min(last, first + count - 1) { numbers.insert(index % count + 1) }
    }
    return numbers.sorted()
  }
}

/// A shard that is to be written, and what there is of it.
package struct RecordingTarget: Sendable, Equatable {
  /// What the shard will hold.
  package let batches: ClosedRange<Int>
  /// Shards inside it, in order.
  let pieces: [ClosedRange<Int>]
  /// Whether what stands in the shard's place is damaged.
  let isDamaged: Bool
}

extension RecordingLayout {
  /// What is to be written so that a range is whole, in order.
  ///
  /// A shard of an earlier version may reach over the range's ends; it stays, and only the rest is written.
  /// - Parameters:
  ///   - sound: the shards that are as they should be.
  ///   - damaged: shards that are not, and count as missing.
  func targets(at index: Int, _ sound: RecordingShards, damaged: [ClosedRange<Int>]) -> [RecordingTarget] {
    let range = self[index]
    let inside = sound.overlapping(range).filter(range.contains)
    let beyond = damaged.filter { $0.overlaps(range) && !range.contains($0) }
    let reaching = RecordingShards(sound.overlapping(range).filter { !range.contains($0) } + beyond)
    let free = reaching.gaps(in: range.lowerBound..<range.upperBound + 1).map { $0.lowerBound...$0.upperBound - 1 }
    let targets = free.map { batches in
      RecordingTarget(
        batches: batches, pieces: inside.filter(batches.contains), isDamaged: damaged.contains(batches))
    }
    let own = beyond.filter { self.index(of: $0.lowerBound) == index }
    let again = own.map { batches in
      RecordingTarget(
        batches: batches, pieces: sound.overlapping(batches).filter(batches.contains), isDamaged: true)
    }
    return (targets + again).filter { target in
      let held = RecordingShards(target.pieces)
      return !held.gaps(in: target.batches.lowerBound..<target.batches.upperBound + 1).isEmpty
    }.sorted { $0.batches.lowerBound < $1.batches.lowerBound }
  }
}
