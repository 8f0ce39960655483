// A recording's loop and its end: what one process does of it, alone or beside others.

import Foundation
import Kindred
import KindredVision

/// The loop of a recording: a teacher, its batches, and the writer of what it says.
final class RecordingWork {
  let writer: RecordingWriter
  /// The batches that were recorded.
  private(set) var recorded = 0

  private let teacher: any TeacherSignal
  private let batches: ImageBatches
  /// Whether the shards behind one another are others' to record.
  private let isDealtOut: Bool
  private let start = ContinuousClock.now
  private var flushed = ContinuousClock.now
  private var images = 0
  /// Gives the batches from this one on.
  private var source: (next: Int, iterator: any BatchIterator)?

  init(teacher: any TeacherSignal, batches: ImageBatches, writer: RecordingWriter, isDealtOut: Bool) {
    (self.teacher, self.batches, self.writer, self.isDealtOut) = (teacher, batches, writer, isDealtOut)
  }

  /// Records what a shard lacks, until `goesOn` says no. Returns whether all is done.
  func record(_ target: RecordingTarget, goesOn: (BatchPosition, Double) throws -> Bool) throws -> Bool {
    flushed = .now
    let missing = try writer.begin(target)
    for index in missing.joined() {
      let batch = try batch(index, of: target)
      try writer.append(teacher.output(for: batch), batch: index)
      images += batch.count
      recorded += 1
      if isFlushDue() { try writer.flush() }
      guard try goesOn(batch.position, Double(images) / max((.now - start) / .seconds(1), 1e-9)) else {
        try writer.flush()
        return false
      }
    }
    return true
  }

  /// A batch, counted over all epochs.
  private func batch(_ index: Int, of target: RecordingTarget) throws -> Batch {
    var iterator: any BatchIterator
    if let source, source.next == index {
      iterator = source.iterator
    } else {
      let perEpoch = batches.batchesPerEpoch
      iterator = batches.batches(
        from: BatchPosition(epoch: index / perEpoch, batch: index % perEpoch),
        atMost: isDealtOut ? target.batches.upperBound + 1 - index : .max)
    }
    guard let batch = try iterator.next() else { preconditionFailure("as many batches as the plan has") }
    source = (index + 1, iterator)
    return batch
  }

  /// A slow teacher's work is not kept in memory for long.
  private func isFlushDue() -> Bool {
    guard .now - flushed > .seconds(60) else { return false }
    flushed = .now
    return true
  }
}

/// What a process does once all that is its own is there: whoever finds that nothing is missing finishes the recording.
struct RecordingEnd {
  let writer: RecordingWriter
  let header: RecordingHeader
  let layout: RecordingLayout
  let part: RecordingPart
  let folder: URL

  /// Returns the batches that are not there yet; nil where it was stopped.
  func finish(
    shouldStop: () -> Bool, onEvent: (RecordingRun.Event) throws -> Void
  ) throws -> [Range<Int>]? {
    let missing = try Recording(folder).missing
    guard missing.isEmpty else { return missing }
    // What others wrote is looked at once, before the recording is called complete.
    if part.count > 1, !Recording.isFinished(in: folder) {
      let others = try RecordingCheck(
        folder, expected: header, among: { !part.holds($0.lowerBound, of: layout) },
        goesOn: {
          try onEvent(.checking(done: $0, total: $1))
          return !shouldStop()
        })
      guard let others else { return nil }
      if let problem = others.damage {
        let parts = RecordingPart.numbers(of: part.count, with: others.wanted, in: layout)
        try onEvent(.damaged("\(problem); start \(parts.partsInWords) of \(part.count) again"))
        return others.wanted
      }
    }
    return try writer.finish() ? [] : Recording(folder).missing
  }

  func result(_ share: RecordingRun.Share, recorded: Int, missing: [Range<Int>]) -> RecordingRun.PartResult {
    RecordingRun.PartResult(
      number: part.number, count: part.count, batches: share.batches, recorded: recorded,
      missing: missing.reduce(0) { $0 + $1.count },
      unfinished: RecordingPart.numbers(of: part.count, with: missing, in: layout))
  }
}

extension RecordingCheck {
  /// What is damaged, in short; nil for nothing.
  var damage: String? {
    guard let first = damaged.first else { return nil }
    let count = damaged.reduce(0) { $0 + $1.batches.count }
    return "\(count == 1 ? "1 batch is" : "\(count) batches are") damaged, from "
      + "\(header.batches.place(of: first.batches.lowerBound)) on (\(first.problem))"
  }
}

extension RecordingHeader.Batches {
  /// A batch, counted over all epochs, as people count.
  package func place(of batch: Int) -> String { "epoch \(batch / perEpoch + 1), batch \(batch % perEpoch + 1)" }
}
