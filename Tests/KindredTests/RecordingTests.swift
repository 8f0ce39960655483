// Recordings: what is replayed is what was recorded, and what is damaged is refused.

import Foundation
import Kindred
import TestSupport
import Testing
import Torch

/// A recording of a tiny teacher, in a folder.
struct Tape {
  static let description = NetworkDescription(
    name: "tiny", classes: 3, taps: ["stage1": [3, 6, 6], "stage2": [6, 3, 3]])
  static func objective() -> Objective {
    let adapter = HintAdapter(student: (4, 3), teacher: (6, 3), generator: Generator(seed: 5))
    let maps = AttentionTransferLoss([
      .init(LayerPair(student: "stage2", teacher: "stage1"), studentSize: 3, teacherSize: 6)
    ])
    let losses: [any DistillationLoss] = [
      SimilarityPreserving([LayerPair("stage2")]), KnowledgeDistillation(), maps, HintLoss(adapter: adapter),
    ]
    return Objective([.crossEntropy()] + losses.enumerated().map { .init("\($0)", $1, weight: 1) })
  }

  static var statistics: Set<TeacherStatistic> { objective().statistics }

  static func header(
    _ storage: RecordingHeader.Storage = .float32, teacher: String = "1", epochs: Int = 2
  ) -> RecordingHeader {
    RecordingHeader(
      teacher: description, teacherFacts: [.init("seed of the teacher", teacher)],
      batches: .init(epochs: epochs, perEpoch: 4, size: 6, lastSize: 6, facts: [.init("data", "tiny")]),
      methods: ["sp", "kd", "at", "hint"], statistics: statistics, storage: storage)
  }

  static func teacher() -> LiveTeacher { LiveTeacher(TinyNetwork(3, seed: 50).warmedUp(), statistics: statistics) }

  static func batch(_ index: Int) -> Batch { TinyBatches.batch(at: BatchPosition(epoch: index / 4, batch: index % 4)) }

  /// Records batches, a shard for each range: as earlier versions did, whose shards ended at any batch.
  static func record(
    _ ranges: [Range<Int>] = [0..<3, 3..<8], _ storage: RecordingHeader.Storage = .float32, in folder: URL
  ) throws {
    let writer = try RecordingWriter(header(storage), statistics: statistics, to: folder)
    let teacher = teacher()
    for range in ranges {
      let blocks = try range.flatMap { index in
        let output = try teacher.output(for: batch(index))
        return statistics.map {
          ("\(index)/\($0.name)", output[$0].to(storage == .float16 ? .float16 : .float32, device: .cpu).contiguous())
        }
      }
      try Recording.write(
        Dictionary(uniqueKeysWithValues: blocks), of: range.lowerBound...range.upperBound - 1, in: folder)
    }
    try writer.finish()
  }

  /// Everything that is replayed, as bytes.
  static func replay(_ folder: URL) throws -> [[String: [UInt8]]] {
    let teacher = try RecordedTeacher(Recording(folder), statistics: statistics)
    return try (0..<8).map { signals(try teacher.output(for: batch($0))) }
  }

  static func live() throws -> [[String: [UInt8]]] {
    let teacher = teacher()
    return try (0..<8).map { signals(try teacher.output(for: batch($0))) }
  }

  private static func signals(_ output: TeacherOutput) -> [String: [UInt8]] {
    Dictionary(uniqueKeysWithValues: statistics.map { ($0.name, output[$0].bytes()) })
  }
}

@Suite struct RecordingTests {
  /// A signal that is not finite, or would not be in fewer bits, is not kept.
  @Test(arguments: [RecordingHeader.Storage.float32, .float16])
  func whatIsNotFiniteIsNotStored(storage: RecordingHeader.Storage) throws {
    let statistics: Set<TeacherStatistic> = [.activation("stage2"), .logits]
    for (maps, logits, isKept) in [
      (1.0, -Double.infinity, true), (.nan, 1, false), (.infinity, 1, false), (1, .nan, false), (1, .infinity, false),
      (1e5, 1, storage == .float32),
    ] {
      try withTestFolder { folder in
        let writer = try RecordingWriter(Tape.header(storage), statistics: statistics, to: folder)
        // One class of each input stays.
        let masked = Tensor.concatenated([.ones([6, 1]), .full([6, 2], logits)], axis: 1)
        let output = TeacherOutput([.activation("stage2"): .full([6, 6, 3, 3], maps), .logits: masked])
        let error = Result { try writer.append(output, batch: 0) }
        #expect((try? error.get()) != nil || !isKept)
        guard !isKept else { return }
        let words = "\(#expect(throws: RecordingError.self) { try error.get() }?.problem ?? "")"
        #expect(words.contains("of batch 0 with NaN or infinity in it"), "\(words)")
      }
    }
  }

  @Test func whatIsReplayedIsWhatWasSaid() throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      #expect(try Recording(folder).missing.isEmpty)
      #expect(try Tape.replay(folder) == Tape.live())
    }
  }

  /// All four kinds of loss, in the order of summation that the live run has: the same weights to the bit.
  @Test func aStudentOfARecordingIsTheLiveTeachersStudent() throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      func trained(_ teacher: any TeacherSignal) throws -> [String: [UInt8]] {
        let student = TinyNetwork(2, seed: 4)
        let objective = Tape.objective()
        let distiller = Distiller(
          student: student, teacher: teacher, objective: objective,
          recipe: Recipe(epochs: 2, schedule: .init(.constant)))
        _ = try distiller.run(
          on: TinyBatches(), evaluate: { _ in try EvaluationTally(classCount: TinyNetwork.classes).evaluation() },
          shouldStop: { false }, onEvent: { _ in })
        return student.bytes
      }
      let recorded = try trained(RecordedTeacher(Recording(folder), statistics: Tape.statistics))
      #expect(try recorded == trained(Tape.teacher()))
    }
  }

  /// Half precision keeps 11 significant bits of normal numbers.
  @Test func float16IsRoundedAndHalfAsLarge() throws {
    try withTestFolder { folder in
      try Tape.record([0..<8], .float16, in: folder)
      let (exact, half) = (Tape.teacher(), try RecordedTeacher(Recording(folder), statistics: Tape.statistics))
      var differs = false
      for statistic in Tape.statistics {
        let (wanted, found) = (
          try exact.output(for: Tape.batch(5))[statistic], try half.output(for: Tape.batch(5))[statistic]
        )
        #expect(found.dtype == .float32 && found.shape == wanted.shape)
        let (a, b): ([Double], [Double]) = (wanted.elements(), found.elements())
        let bounds = a.map { max(abs($0) / 2048, 3e-8) }
        #expect(zip(zip(a, b), bounds).allSatisfy { abs($0.0 - $0.1) <= $1 }, "\(statistic.name)")
        differs = differs || a != b
      }
      #expect(differs)
      let (wide, narrow) = (Tape.header(), Tape.header(.float16))
      #expect(wide.byteCount(Tape.statistics, batches: 0..<8) == 2 * narrow.byteCount(Tape.statistics, batches: 0..<8))
    }
  }

  /// The announced size is that of the blocks.
  @Test func theSizeIsKnownBeforehand() throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      let shards = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "safetensors" }
      let blocks = try shards.flatMap { try Safetensors.entries(of: $0).values.map(\.range.count) }
      #expect(blocks.count == 8 * 4)
      #expect(blocks.reduce(0, +) == Tape.header().byteCount(Tape.statistics, batches: 0..<8))
    }
  }

  /// Every byte of the header's file, and of a shard's header and blocks every few: an error or the right numbers, never
  /// other ones. (The header's file may be laid out otherwise and say the same.)
  @Test(arguments: ["recording.json", "00000003-00000007.safetensors"])
  func aFlippedByteIsNeverAWrongNumber(name: String) throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      let file = folder.appendingPathComponent(name)
      let bytes = try Data(contentsOf: file)
      let live = try Tape.live()
      var refused = 0
      let places = stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400))
      for place in places {
        var damaged = bytes
        damaged[place] ^= UInt8(1 << (place % 8))
        try damaged.write(to: file)
        do {
          #expect(try Tape.replay(folder) == live, "byte \(place)")
        } catch is RecordingError {
          refused += 1
        }
      }
      #expect(refused > 300)
    }
  }

  /// One byte that changes what the numbers are, and neither their size nor the checksum of their bytes.
  @Test func aChangedTypeIsRefused() throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      let file = folder.appendingPathComponent("00000003-00000007.safetensors")
      var bytes = try Data(contentsOf: file)
      var (types, place) = (0, 0)
      while let found = bytes.range(of: Data("\"F32\"".utf8), in: place..<bytes.count) {
        bytes[found.lowerBound + 1] = UInt8(ascii: "I")
        (types, place) = (types + 1, found.upperBound)
      }
      #expect(types == 5 * 4)
      try bytes.write(to: file)
      let error = #expect(throws: RecordingError.self) { try Tape.replay(folder) }
      #expect(error?.problem.contains("is int32[") == true, "\(error?.problem ?? "")")
    }
  }

  @Test(arguments: [
    (rows: 2, value: 1.0, problem: "holds no layer of the teacher's classes; record again"),
    (rows: 3, value: .nan, problem: "holds NaN or infinity; record again"),
  ])
  func aClassifierThatTeachesNothingIsRefused(rows: Int, value: Double, problem: String) throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      let recording = try Recording(folder)
      try recording.write(TeacherClassifier(weight: .full([rows, 6], value), bias: .zeros([rows])))
      #expect { try recording.classifier() } throws: { "\($0)".hasSuffix("classifier.safetensors \(problem)") }
    }
  }

  /// A header may come from anybody, with a checksum that is right.
  @Test func aHeaderOfNoBatchesIsRefused() throws {
    try withTestFolder { folder in
      for epochs in [0, Int.max] {
        let inside = folder.appendingPathComponent("\(epochs)")
        try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
        _ = try? RecordingWriter(Tape.header(epochs: epochs), statistics: Tape.statistics, to: inside)
        let error = #expect(throws: RecordingError.self) { try Recording(inside) }
        #expect(error?.problem.contains("impossible") == true)
      }
    }
  }

  /// Lengths whose product no machine can count were a trap when the first block was compared with them.
  @Test(arguments: [[3, 6, Int.max], [0, 6, 6], [1 << 20, 1 << 20, 1]])
  func aHeaderOfImpossibleShapesIsRefused(shape: [Int]) throws {
    try withTestFolder { folder in
      let header = RecordingHeader(
        teacher: NetworkDescription(name: "tiny", classes: 3, taps: ["stage1": shape, "stage2": [6, 3, 3]]),
        teacherFacts: [], batches: .init(epochs: 2, perEpoch: 4, size: 6, lastSize: 6, facts: []),
        methods: ["sp"], statistics: Tape.statistics, storage: .float32)
      _ = try? RecordingWriter(header, statistics: Tape.statistics, to: folder)
      let error = #expect(throws: RecordingError.self) { try Recording(folder) }
      #expect(error?.problem.contains("impossible shapes") == true, "\(error?.problem ?? "")")
    }
  }

  @Test func aTruncatedOrMissingShardIsNamed() throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      let file = folder.appendingPathComponent("00000003-00000007.safetensors")
      try Data(contentsOf: file).dropLast(100).write(to: file)
      let error = #expect(throws: RecordingError.self) { try Tape.replay(folder) }
      #expect(error?.problem.contains("the shard of batches 3...7 is truncated") == true, "\(error?.problem ?? "")")
      try FileManager.default.removeItem(at: file)
      let gap = #expect(throws: RecordingError.self) { try Tape.replay(folder) }
      #expect(gap?.problem.contains("5 of 8 batches are missing, from epoch 1, batch 4 on") == true)
      // Only the gap is recorded again.
      #expect(try Recording(folder).missing == [3..<8])
      try Tape.record([3..<8], in: folder)
      #expect(try Tape.replay(folder) == Tape.live())
    }
  }

  @Test func whatDoesNotMatchIsRefusedByName() throws {
    try withTestFolder { folder in
      try Tape.record(in: folder)
      func problem(_ body: () throws -> Void) -> String {
        do {
          try body()
          return ""
        } catch {
          return "\(error)"
        }
      }
      let other = problem { _ = try RecordedTeacher(Recording(folder), statistics: [.similarity("stage1")]) }
      #expect(other.contains("this run needs similarity.stage1"), "\(other)")
      let teacher = problem {
        _ = try RecordingWriter(Tape.header(teacher: "2"), statistics: Tape.statistics, to: folder)
      }
      #expect(teacher.contains("recorded for seed of the teacher 1, now 2"), "\(teacher)")
      let signal = try RecordedTeacher(Recording(folder), statistics: Tape.statistics)
      let beyond = problem { _ = try signal.output(for: Tape.batch(8)) }
      #expect(beyond.contains("recorded for 2 epochs of 4 batches"), "\(beyond)")
      // The same batch, once plan and signal begin again after the recorded epochs.
      let wrapped = try RecordedTeacher(Recording(folder), statistics: Tape.statistics, planEpochs: 2)
      let need = TeacherStatistic.similarity("stage2")
      #expect(try wrapped.output(for: Tape.batch(9))[need].bytes() == signal.output(for: Tape.batch(1))[need].bytes())
      #expect(problem { _ = try Recording(folder.appendingPathComponent("none")) }.contains("there is no recording"))
    }
  }
}
