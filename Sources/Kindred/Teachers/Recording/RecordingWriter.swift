// From a teacher's output to shards.

import Files
import Foundation
import Torch

/// Gathers blocks in memory and writes them as shards, whose ranges of batches the header decides.
///
/// A shard that is not full yet is kept as a piece of it, and completed when it is gone on with: the bytes at the end do not
/// depend on when and how often it was stopped, nor on how many processes write into the folder.
public final class RecordingWriter {
  private let folder: URL
  private let header: RecordingHeader
  private let layout: RecordingLayout
  private let statistics: [TeacherStatistic]
  private var target: RecordingTarget?
  /// The target's batches, each with its blocks by their names.
  private var held: [Int: [String: Tensor]] = [:]
  /// Files that hold batches of the target.
  private var stored: Set<ClosedRange<Int>> = []

  /// Makes the folder's header, or goes on with a recording of the very same thing, of which a finished one may have had
  /// fewer epochs.
  /// - Throws: `RecordingError`, naming what differs from the recording that is there.
  public init(_ header: RecordingHeader, statistics: Set<TeacherStatistic>, to folder: URL) throws {
    self.folder = folder
    self.header = header
    self.statistics = statistics.sorted { $0.name < $1.name }
    if !Recording.exists(in: folder) { try Recording.begin(header, in: folder) }
    try Recording.prolong(to: header, in: folder)
    // Another process may have been first.
    try RecordingWriter.requireSame(header, in: folder)
    layout = header.layout(statistics)
  }

  private static func requireSame(_ header: RecordingHeader, in folder: URL) throws {
    guard let difference = header.difference(from: try Recording(folder).header) else { return }
    throw RecordingError(folder, "\(difference); choose another folder with --out")
  }

  /// Adds a batch, which is counted over all epochs.
  /// - Throws: `RecordingError` where a shard cannot be written.
  public func append(_ output: TeacherOutput, batch: Int) throws {
    if target?.batches.contains(batch) != true { _ = try begin(target(for: batch)) }
    guard let target else { preconditionFailure("a target has just begun") }
    var blocks: [String: Tensor] = [:]
    for statistic in statistics {
      let block = output[statistic].to(header.storage.dtype, device: .cpu).contiguous()
      try check(block, statistic, batch: batch)
      blocks[Recording.blockName(batch, statistic.name)] = block
    }
    held[batch] = blocks
    if held.count == target.batches.count {
      try flush()
      self.target = nil
    }
  }

  /// What is to be written so that a batch is there.
  private func target(for batch: Int) throws -> RecordingTarget {
    let targets = layout.targets(at: layout.index(of: batch), try Recording(folder).shards, damaged: [])
    guard let target = targets.first(where: { $0.batches.contains(batch) }) else {
      throw RecordingError(folder, "batch \(batch) is there already")
    }
    return target
  }

  /// Begins a shard with what is there of it. Returns the batches that are still to be added.
  /// - Throws: `RecordingError`.
  package func begin(_ target: RecordingTarget) throws -> [Range<Int>] {
    try flush()
    (self.target, held, stored) = (target, [:], [])
    if isWrittenByOthers(target) { return [] }
    for piece in target.pieces { load(piece) }
    let ranges = RecordingShards(held.keys.map { $0...$0 })
    return ranges.gaps(in: target.batches.lowerBound..<target.batches.upperBound + 1)
  }

  /// Takes what is sound of a piece; what is not is recorded again.
  private func load(_ piece: ClosedRange<Int>) {
    stored.insert(piece)
    guard let shard = try? RecordingShard(piece, in: folder) else { return }
    for batch in piece {
      let blocks = try? statistics.map { statistic in
        let tensor = try shard.block(
          statistic.name, of: batch, header.storage.dtype, header.shape(of: statistic.name, batch))
        return (Recording.blockName(batch, statistic.name), tensor)
      }
      if let blocks { held[batch] = Dictionary(uniqueKeysWithValues: blocks) } else { stored.remove(piece) }
    }
  }

  /// A signal that is not finite, or is not any more in fewer bits, would be learnt from long after anybody looks.
  private func check(_ block: Tensor, _ statistic: TeacherStatistic, batch: Int) throws {
    guard !block.isSound(asLogits: statistic == .logits) else { return }
    let reason =
      header.storage == .float16
      ? "NaN or infinity in it, or what is beyond 65504 and does not fit float16; try float32" : "NaN or infinity in it"
    throw RecordingError(folder, "the teacher gives '\(statistic.name)' of batch \(batch) with \(reason)")
  }

  /// Writes what is gathered, as a piece where the shard is not full.
  /// - Throws: `RecordingError`, such as for a full disk.
  public func flush() throws {
    guard let target, !held.isEmpty else { return }
    for run in held.keys.sorted().runs where !stored.contains(run) {
      if !isWrittenByOthers(target) { try write(run, of: target) }
      for piece in stored.union(target.pieces) where piece != run && run.contains(piece) {
        unlink(Recording.shardFile(piece, in: folder).path)
        stored.remove(piece)
      }
      stored.insert(run)
    }
    if stored.contains(target.batches) { held = [:] }
  }

  private func write(_ run: ClosedRange<Int>, of target: RecordingTarget) throws {
    let blocks = run.reduce(into: [:]) { blocks, batch in blocks.merge(held[batch] ?? [:]) { $1 } }
    do {
      try Recording.write(blocks, of: run, in: folder)
    } catch {
      // Whoever finished the recording in the meantime has cleared up.
      guard isWrittenByOthers(target) else { throw error }
    }
  }

  /// Whether another process has written the whole shard since it began here.
  private func isWrittenByOthers(_ target: RecordingTarget) -> Bool {
    !target.isDamaged && FileManager.default.fileExists(atPath: Recording.shardFile(target.batches, in: folder).path)
  }

  /// Writes what is gathered and, where all batches are there, gives the header its final name and removes what killed
  /// processes left. Returns whether all are there.
  /// - Throws: `RecordingError`, such as where another process has begun another recording in the folder.
  @discardableResult
  public func finish() throws -> Bool {
    try flush()
    try RecordingWriter.requireSame(header, in: folder)
    let recording = try Recording(folder)
    guard recording.missing.isEmpty else { return false }
    for shard in recording.shards.leftovers { unlink(Recording.shardFile(shard, in: folder).path) }
    for name in try Recording.fileNames(in: folder) where name.hasSuffix(".partial") {
      unlink(folder.appending(path: name).path)
    }
    if Recording.isFinished(in: folder) {
      unlink(Recording.unfinishedHeaderFile(folder).path)
    } else {
      try Recording.finishHeader(in: folder)
    }
    return true
  }
}

extension Recording {
  /// Writes a shard.
  package static func write(_ blocks: [String: Tensor], of batches: ClosedRange<Int>, in folder: URL) throws {
    let checksums = blocks.mapValues { $0.bytes().withUnsafeBytes { checksum(of: $0) } }
    try write(blocks, metadata: checksums, to: shardFile(batches, in: folder), in: folder)
  }
}

extension [Int] {
  /// Sorted numbers as ranges of neighbours.
  fileprivate var runs: [ClosedRange<Int>] {
    reduce(into: []) { runs, number in
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
  }
}
