// Recordings by several processes: whose ranges are whose, and the bytes of one process whatever happens to the others.

import Foundation
import TestSupport
import Testing
import Torch

@testable import Kindred

@Suite struct RecordingLayoutTests {
  /// Every batch belongs to one part, and what is counted is what is there.
  @Test(arguments: [(1, 1, 1), (20, 64, 3), (64, 64, 2), (200, 13, 3), (201, 7, 40)])
  func partsDealOutAllBatches(batches: Int, length: Int, parts: Int) {
    let layout = RecordingLayout(batches: batches, batchBytes: (16 << 20) / length)
    #expect(layout.length == length)
    var owners: [Int: Int] = [:]
    for number in 1...parts {
      let part = RecordingPart(number, of: parts)
      for batch in part.ranges(of: layout).flatMap({ layout[$0] }) {
        #expect(owners.updateValue(number, forKey: batch) == nil && part.holds(batch, of: layout))
      }
      for range in [0..<batches, batches / 3..<batches / 2, 0..<1] {
        #expect(part.batchCount(in: range, of: layout) == range.count { part.holds($0, of: layout) })
      }
    }
    #expect(owners.keys.sorted() == Array(0..<batches))
    for missing in [[batches / 3..<batches / 2], [0..<1, batches - 1..<batches], [0..<batches], []] {
      let wanted = Set(missing.flatMap { $0.map { owners[$0] ?? 0 } }).sorted()
      #expect(RecordingPart.numbers(of: parts, with: missing, in: layout) == wanted)
    }
  }

  @Test func aShardHasUpTo64BatchesAnd16MB() {
    for (bytes, length) in [(1, 64), (1 << 18, 64), (1_200_000, 13), (16 << 20, 1), (Int.max, 1)] {
      #expect(RecordingLayout(batches: 1000, batchBytes: bytes).length == length)
    }
  }

  /// What an earlier version left stays as it is; what is damaged is written in its place.
  @Test(
    arguments: [
      ([0...63], [], []),
      ([], [], [RecordingTarget(batches: 0...63, pieces: [], isDamaged: false)]),
      ([0...9, 20...29], [], [RecordingTarget(batches: 0...63, pieces: [0...9, 20...29], isDamaged: false)]),
      ([0...9, 10...63], [], []),
      ([0...9, 40...70], [], [RecordingTarget(batches: 0...39, pieces: [0...9], isDamaged: false)]),
      ([], [0...63], [RecordingTarget(batches: 0...63, pieces: [], isDamaged: true)]),
      (
        [0...9], [40...70],
        [
          RecordingTarget(batches: 0...39, pieces: [0...9], isDamaged: false),
          RecordingTarget(batches: 40...70, pieces: [], isDamaged: true),
        ]
      ),
    ] as [([ClosedRange<Int>], [ClosedRange<Int>], [RecordingTarget])])
  func whatIsWrittenIsWhatIsMissing(
    sound: [ClosedRange<Int>], damaged: [ClosedRange<Int>], targets: [RecordingTarget]
  ) {
    let layout = RecordingLayout(batches: 200, batchBytes: 1)
    #expect(layout.targets(at: 0, RecordingShards(sound), damaged: damaged) == targets)
    // Nothing of it is the next range's to write twice.
    let next = layout.targets(at: 1, RecordingShards(sound), damaged: damaged).map(\.batches)
    #expect(next.allSatisfy { other in targets.allSatisfy { !$0.batches.overlaps(other) } })
  }

  @Test func theLargerShardCounts() {
    let shards = RecordingShards([5...5, 0...9, 0...3, 10...12, 11...15, 20...29])
    #expect(shards.kept == [0...9, 10...12, 11...15, 20...29])
    #expect(shards.leftovers == [0...3, 5...5])
    #expect(shards.overlaps.map { [$0, $1] } == [[10...12, 11...15]])
    #expect(shards.gaps(in: 0..<40) == [16..<20, 30..<40])
    #expect(shards.gaps(in: 17..<25) == [17..<20] && shards.gaps(in: 12..<15).isEmpty)
  }
}

/// 160 batches of the tiny teacher, which are three ranges.
private struct LongTape {
  static let epochs = 40
  static let count = 160

  static var header: RecordingHeader { Tape.header(epochs: epochs) }

  /// Batches are distinct in their epochs too.
  static func output(_ teacher: LiveTeacher, _ index: Int) throws -> TeacherOutput {
    try teacher.output(for: Tape.batch(index))
  }

  /// Records a part as a command does, until so many batches are done. Returns whether the recording is complete.
  @discardableResult
  static func record(_ part: RecordingPart = .whole, atMost limit: Int = .max, in folder: URL) throws -> Bool {
    let writer = try RecordingWriter(header, statistics: Tape.statistics, to: folder)
    let teacher = Tape.teacher()
    var left = limit
    for batch in try wanted(part, in: folder).flatMap({ try writer.begin($0).joined() }) {
      guard left > 0 else { break }
      try writer.append(output(teacher, batch), batch: batch)
      left -= 1
    }
    return try writer.finish()
  }

  static func wanted(_ part: RecordingPart = .whole, in folder: URL) throws -> [RecordingTarget] {
    let layout = header.layout(Tape.statistics)
    let check = try #require(try RecordingCheck(folder, expected: header))
    return part.ranges(of: layout).flatMap { check.targets(at: $0, of: layout) }
  }

  /// Every file with its bytes.
  static func files(_ folder: URL) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: folder.appendingPathComponent($0))) })
  }
}

@Suite struct RecordingPartTests {
  private let shards = [
    "00000000-00000063.safetensors", "00000064-00000127.safetensors", "00000128-00000159.safetensors",
  ]

  /// In any order, each stopped in its midst and begun again.
  @Test(arguments: [1, 2, 3, 5])
  func partsGiveTheBytesOfOneProcess(count: Int) throws {
    let folder = try TestFolder()
    let (whole, dealt) = (try folder.folder("whole"), try folder.folder("dealt"))
    #expect(try LongTape.record(in: whole))
    #expect(try LongTape.files(whole).keys.sorted() == shards + ["recording.json"])
    let parts = (1...count).map { RecordingPart($0, of: count) }
    for (index, part) in parts.shuffled().enumerated() {
      // Once before the first shard is full, and once behind it.
      for limit in [index * 7 + 5, 70] { try LongTape.record(part, atMost: limit, in: dealt) }
      #expect(try folder.has("dealt/recording.json") == Recording(dealt).missing.isEmpty)
      try LongTape.record(part, in: dealt)
    }
    #expect(try LongTape.files(dealt) == LongTape.files(whole))
  }

  /// Both write the same range, one of them some batches behind the other.
  @Test func twoOnOneRangeDoNoHarm() throws {
    let folder = try TestFolder()
    let (whole, shared) = (try folder.folder("whole"), try folder.folder("shared"))
    try LongTape.record(in: whole)
    let writers = try (0..<2).map { _ in
      try RecordingWriter(LongTape.header, statistics: Tape.statistics, to: shared)
    }
    let targets = try LongTape.wanted(in: shared)
    let teacher = Tape.teacher()
    for writer in writers { #expect(try writer.begin(targets[0]) == [0..<64]) }
    for batch in 0..<64 + 10 {
      for (writer, own) in zip(writers, [batch, batch - 10]) where (0..<64).contains(own) {
        try writer.append(LongTape.output(teacher, own), batch: own)
        if own % 9 == 8 { try writer.flush() }
      }
    }
    // One is alone from here on, and the other comes when all is done.
    try LongTape.record(in: shared)
    #expect(try writers[1].finish())
    #expect(try writers[1].begin(targets[2]).isEmpty)
    #expect(try LongTape.files(shared) == LongTape.files(whole))
  }

  @Test func anUnfinishedRecordingIsCompletedHoweverItsShardsAreCut() throws {
    try withTestFolder { folder in
      try Tape.record([0..<3, 5..<6], in: folder)
      let writer = try RecordingWriter(Tape.header(), statistics: Tape.statistics, to: folder)
      let teacher = Tape.teacher()
      for batch in [3, 4, 6, 7] { try writer.append(teacher.output(for: Tape.batch(batch)), batch: batch) }
      #expect(try writer.finish())
      #expect(try Tape.replay(folder) == Tape.live())
      #expect(throws: RecordingError.self) { try writer.append(teacher.output(for: Tape.batch(3)), batch: 3) }
    }
  }

  /// What a check finds, and that recording again mends it.
  @Test(arguments: ["hole", "flipped byte", "truncated", "piece", "half a file", "name"])
  func aCheckFinds(fault: String) throws {
    let folder = try TestFolder()
    let tape = try folder.folder("tape")
    try LongTape.record(in: tape)
    let files = try LongTape.files(tape)
    let (second, third) = (tape.appending(path: shards[1]), tape.appending(path: shards[2]))
    #expect(try RecordingCheck(tape)?.isSound == true)
    switch fault {
    case "hole": try FileManager.default.removeItem(at: second)
    case "flipped byte":
      var bytes = try Data(contentsOf: second)
      // In the last block by name, which is one of batch 99's.
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: second)
    case "truncated": try Data(contentsOf: third).dropLast(1).write(to: third)
    case "piece":
      try FileManager.default.copyItem(at: second, to: tape.appending(path: "00000064-00000070.safetensors"))
    case "half a file": try folder.write("x", to: "tape/\(shards[0]).x.partial")
    default:
      try FileManager.default.moveItem(
        at: tape.appending(path: "recording.json"), to: tape.appending(path: "recording-unfinished.json"))
    }
    let check = try #require(try RecordingCheck(tape))
    #expect(!check.isSound && check.overlaps.isEmpty && check.strangers.isEmpty)
    #expect(check.missing == (fault == "hole" ? [64..<128] : []))
    #expect(check.isFinished == (fault != "name"))
    let damaged: [ClosedRange<Int>] = fault == "flipped byte" ? [99...99] : fault == "truncated" ? [128...159] : []
    #expect(check.damaged.map(\.batches) == damaged, "\(check.damaged)")
    #expect(check.leftovers.count == (["piece", "half a file"].contains(fault) ? 1 : 0))
    #expect(try LongTape.record(in: tape))
    #expect(try LongTape.files(tape) == files && RecordingCheck(tape)?.isSound == true)
  }

  @Test func aShapeOfNoBatchIsDamage() throws {
    try withTestFolder { folder in
      try LongTape.record(in: folder)
      let file = folder.appending(path: shards[2])
      var (tensors, _) = try Safetensors.read(file)
      tensors["130/logits"] = Tensor.zeros([5, 3])
      try Recording.write(tensors, of: 128...159, in: folder)
      let damage = try #require(try RecordingCheck(folder)?.damaged.first)
      #expect(damage.batches == 130...130 && damage.problem == "logits is float32[5, 3]")
    }
  }

  /// No process writes such shards, and nobody knows which one is right.
  @Test func anOverlapIsTold() throws {
    try withTestFolder { folder in
      try LongTape.record(in: folder)
      try Recording.write(["60/logits": .zeros([6, 3])], of: 60...70, in: folder)
      let check = try #require(try RecordingCheck(folder))
      #expect(check.overlaps == [[0...63, 60...70], [60...70, 64...127]] && !check.isSound)
      let error = #expect(throws: RecordingError.self) { try LongTape.record(in: folder) }
      #expect(error?.problem == "the shards of batches 0...63 and 60...70 overlap; delete one of them")
    }
  }
}
