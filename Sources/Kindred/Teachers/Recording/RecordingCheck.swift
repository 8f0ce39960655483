// What is wrong with a recording's files: holes, damage, and what is there twice.

import Foundation
import Torch

/// A recording, looked at as a whole or in part: every block's checksum, type and shape.
package struct RecordingCheck: Sendable {
  /// Batches that are there and cannot be used.
  package struct Damage: Sendable {
    /// The shard that they lie in.
    package let shard: ClosedRange<Int>
    package let batches: ClosedRange<Int>
    package let problem: String
  }

  package let header: RecordingHeader
  /// Whether the header has its final name.
  package let isFinished: Bool
  /// The batches of which there is no shard, in order.
  package let missing: [Range<Int>]
  package let damaged: [Damage]
  /// What is wrong with the teacher's classifier; nil for nothing.
  package let classifierProblem: String?
  /// Files that hold what others hold as well, or half of it.
  package let leftovers: [String]
  /// Shards that share batches, of which neither lies within the other.
  package let overlaps: [[ClosedRange<Int>]]
  /// Shards that lie behind the last batch.
  package let strangers: [ClosedRange<Int>]
  /// What the sound blocks that were looked at take.
  package let bytes: Int
  private let sound: RecordingShards
  private let damagedShards: [ClosedRange<Int>]

  /// Looks at all shards, or at some of them; nil where `goesOn`, which is told the batches done and in all, says no.
  ///
  /// Other processes may write into the folder meanwhile.
  /// - Parameter expected: what the recording is to be, where that is known better than from its header.
  /// - Throws: `RecordingError` for a folder that holds none, or a damaged header; whatever `goesOn` throws.
  package init?(
    _ folder: URL, expected: RecordingHeader? = nil, among isMeant: (ClosedRange<Int>) -> Bool = { _ in true },
    goesOn: (_ done: Int, _ total: Int) throws -> Bool = { _, _ in true }
  ) throws {
    guard let found = try Recording.readHeader(folder) else {
      throw RecordingError(folder, "there is no recording here (no \(Recording.headerName))")
    }
    header = found
    var search = ShardSearch(folder, expected ?? found)
    guard try search.run(among: isMeant, goesOn) else { return nil }
    let isFinished = Recording.isFinished(in: folder)
    self.isFinished = isFinished
    let shards = search.shards
    missing = shards.gaps(in: 0..<found.batches.count)
    damaged = search.damaged.sorted { $0.batches.lowerBound < $1.batches.lowerBound }
    strangers = shards.kept.filter { $0.upperBound >= found.batches.count }
    overlaps = shards.overlaps.map { [$0, $1] }
    bytes = search.bytes
    let files = try Recording.fileNames(in: folder).filter { name in
      name.hasSuffix(".partial") || isFinished && name == Recording.unfinishedHeaderName
    }
    leftovers = shards.leftovers.map { Recording.shardFile($0, in: folder).lastPathComponent } + files.sorted()
    let bad = Set(damaged.map(\.shard))
    damagedShards = bad.sorted { $0.lowerBound < $1.lowerBound }
    sound = RecordingShards((shards.kept + shards.leftovers).filter { !bad.contains($0) })
    classifierProblem = RecordingCheck.classifierProblem(folder, found)
  }

  private static func classifierProblem(_ folder: URL, _ header: RecordingHeader) -> String? {
    do {
      _ = try Recording.classifier(in: folder, header)
      return nil
    } catch let error as RecordingError {
      return error.problem
    } catch {
      return "\(error)"
    }
  }

  /// Whether nothing is to be done.
  package var isSound: Bool {
    isFinished && missing.isEmpty && damaged.isEmpty && classifierProblem == nil && leftovers.isEmpty
      && overlaps.isEmpty && strangers.isEmpty
  }

  /// The batches that are not there or damaged, in order.
  package var wanted: [Range<Int>] { sound.gaps(in: 0..<header.batches.count) }

  /// What is to be written so that a range of the layout is whole.
  package func targets(at index: Int, of layout: RecordingLayout) -> [RecordingTarget] {
    layout.targets(at: index, sound, damaged: damagedShards)
  }
}

/// Reads shards until none is new: where another process writes, one that was listed may have become a part of another.
private struct ShardSearch {
  private let folder: URL
  private let header: RecordingHeader
  private(set) var shards = RecordingShards([])
  private(set) var damaged: [RecordingCheck.Damage] = []
  private(set) var bytes = 0
  private var seen: Set<ClosedRange<Int>> = []
  private var done = 0

  init(_ folder: URL, _ header: RecordingHeader) { (self.folder, self.header) = (folder, header) }

  /// Returns whether it came to its end.
  mutating func run(
    among isMeant: (ClosedRange<Int>) -> Bool, _ goesOn: (Int, Int) throws -> Bool
  ) throws -> Bool {
    while true {
      shards = try RecordingShards(in: folder)
      let new = shards.kept.filter { shard in
        shard.upperBound < header.batches.count && !seen.contains(shard) && isMeant(shard)
      }
      if new.isEmpty { return true }
      let total = done + new.reduce(0) { $0 + $1.count }
      for shard in new {
        seen.insert(shard)
        look(at: shard)
        done += shard.count
        guard try goesOn(min(done, total), total) else { return false }
      }
    }
  }

  private mutating func look(at batches: ClosedRange<Int>) {
    do {
      let shard = try RecordingShard(batches, in: folder)
      try shard.checkCount(header.signals)
      for batch in batches { look(at: batch, in: shard) }
    } catch {
      // What has become a part of another shard since is no damage.
      guard FileManager.default.fileExists(atPath: Recording.shardFile(batches, in: folder).path) else { return }
      damaged.append(.init(shard: batches, batches: batches, problem: RecordingShard.problem(error)))
    }
  }

  private mutating func look(at batch: Int, in shard: RecordingShard) {
    do {
      for signal in header.signals {
        bytes += try shard.check(signal, of: batch, header.storage.dtype, header.shape(of: signal, batch))
      }
    } catch {
      add(batch, of: shard.batches, RecordingShard.problem(error))
    }
  }

  /// Neighbours with the same problem are told of together.
  private mutating func add(_ batch: Int, of shard: ClosedRange<Int>, _ problem: String) {
    if let last = damaged.last, last.shard == shard, last.problem == problem, last.batches.upperBound + 1 == batch {
      damaged.removeLast()
      damaged.append(.init(shard: shard, batches: last.batches.lowerBound...batch, problem: problem))
    } else {
      damaged.append(.init(shard: shard, batches: batch...batch, problem: problem))
    }
  }
}
