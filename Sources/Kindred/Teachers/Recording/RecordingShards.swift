// A folder's shards, by the batches in their names.

import Files
import Foundation

/// Which batches are there. Where a shard lies within another one, the larger one counts.
struct RecordingShards: Sendable {
  /// The shards that count, in order.
  let kept: [ClosedRange<Int>]
  /// Those that lie within another one.
  let leftovers: [ClosedRange<Int>]
  /// Neighbours that share batches, of which neither lies within the other.
  let overlaps: [(ClosedRange<Int>, ClosedRange<Int>)]

  init(_ shards: [ClosedRange<Int>]) {
    var kept: [ClosedRange<Int>] = []
    var leftovers: [ClosedRange<Int>] = []
    var overlaps: [(ClosedRange<Int>, ClosedRange<Int>)] = []
    for shard in shards.sorted(by: { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) }) {
      if let last = kept.last, shard.upperBound <= last.upperBound {
        leftovers.append(shard)
      } else {
        if let last = kept.last, shard.lowerBound <= last.upperBound { overlaps.append((last, shard)) }
        kept.append(shard)
      }
    }
    (self.kept, self.leftovers, self.overlaps) = (kept, leftovers, overlaps)
  }

  /// - Throws: `RecordingError` for a folder that cannot be read.
  init(in folder: URL) throws {
    self.init(
      try Recording.fileNames(in: folder).compactMap { name in
        guard let match = name.wholeMatch(of: /(\d+)-(\d+)\.safetensors/), let first = Int(match.1),
          let last = Int(match.2), first <= last
        else { return nil }
        return Recording.shardFile(first...last, in: folder).lastPathComponent == name ? first...last : nil
      })
  }

  /// Those that share batches with a range.
  func overlapping(_ range: ClosedRange<Int>) -> ArraySlice<ClosedRange<Int>> {
    kept[
      index {
        $0.upperBound >= range.lowerBound
      }..<max(
        index { $0.upperBound >= range.lowerBound }, index { $0.lowerBound > range.upperBound })]
  }

  /// The first shard for which something holds that holds for all after it as well.
  private func index(_ holds: (ClosedRange<Int>) -> Bool) -> Int {
    var (low, high) = (0, kept.count)
    while low < high {
      let middle = (low + high) / 2
      if holds(kept[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The shard that holds a batch.
  func shard(with batch: Int) -> ClosedRange<Int>? { overlapping(batch...batch).first }

  /// Those of some batches that no shard holds, in order.
  func gaps(in batches: Range<Int>) -> [Range<Int>] {
    guard let last = batches.last else { return [] }
    var gaps: [Range<Int>] = []
    var next = batches.lowerBound
    for shard in overlapping(batches.lowerBound...last) {
      if next < shard.lowerBound { gaps.append(next..<shard.lowerBound) }
      next = max(next, min(shard.upperBound, last) + 1)
    }
    return next <= last ? gaps + [next..<batches.upperBound] : gaps
  }
}

extension Recording {
  /// - Throws: `RecordingError` for a folder that cannot be read.
  static func fileNames(in folder: URL) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.path)
    } catch {
      throw RecordingError(folder, "cannot be read: \(systemReason(error))")
    }
  }
}
