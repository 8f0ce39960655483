// From a configuration to a recording of its teacher: what `kindred record` does.

import Files
import Foundation
import Kindred
import KindredReport
import KindredVision
import Torch

/// Runs the teacher of a configuration over the batches that a run with it will see, and keeps what its losses need.
///
/// A run belongs to the thread that runs it.
package final class RecordingRun {
  /// What a recording says while it goes on.
  package enum Event: Sendable {
    /// Another process works in the recording's folder and is waited for.
    case waiting
    /// Something that may not be meant, in one line; said before the first batch.
    case warning(String)
    /// The teacher works in int8, at this cost.
    case quantized(QuantizationCost)
    /// What is there already is looked at: the batches that were, and all of them.
    case checking(done: Int, total: Int)
    /// Batches that are there cannot be used: what is wrong and what becomes of them, in one line.
    case damaged(String)
    /// It begins, or goes on where it was stopped.
    case began(Size)
    /// A batch is done.
    case batch(Step)
  }

  /// How large it becomes.
  package struct Size: Sendable {
    package let epochs: Int
    package let batches: Int
    /// Of these batches there are already so many.
    package let batchesDone: Int
    package let bytes: Int
    /// What of it is recorded here; nil for all of it.
    package let share: Share?
  }

  /// How large a part becomes.
  package struct Share: Sendable {
    package let part: RecordingPart
    package let batches: Int
    /// Of these batches there are already so many.
    package fileprivate(set) var batchesDone: Int

    fileprivate init(part: RecordingPart, batches: Int, batchesLeft: Int) {
      (self.part, self.batches, batchesDone) = (part, batches, batches - batchesLeft)
    }
  }

  /// One batch of the teacher.
  package struct Step: Sendable {
    package let position: BatchPosition
    package let batchesPerEpoch: Int
    package let epochs: Int
    package let imagesPerSecond: Double
    /// How far a part has come, in batches; nil for all of a recording.
    package let share: Share?
  }

  /// What a recording is once it is finished, or once one of its parts is.
  package struct Result: Sendable, Codable {
    package let folder: String
    package let teacher: String
    package let signals: [String]
    package let epochs: Int
    package let batches: Int
    package let bytes: Int
    package let planSeed: UInt64
    /// What became of a part; nil for a recording that was not dealt out.
    package let part: PartResult?

    /// What a configuration says to use it.
    package var setting: String { "teacher: {recording: \(YAMLWriter.quoted(folder))}" }
  }

  /// What became of one of several parts.
  package struct PartResult: Sendable, Codable {
    package let number: Int
    package let count: Int
    /// All batches of the part.
    package let batches: Int
    /// Those that were recorded now.
    package let recorded: Int
    /// The batches of the whole recording that are still to come.
    package let missing: Int
    /// The parts that they belong to.
    package let unfinished: [Int]
  }

  private let settings: Configuration
  private let served: [Configuration]
  private let epochs: Int
  private let storage: RecordingHeader.Storage
  private let library: ImageLibrary
  private let runs: URL
  private let waitsForOthers: Bool
  private let part: RecordingPart?

  /// - Parameters:
  ///   - settings: the teacher and the batches.
  ///   - served: the runs whose losses it serves, all with this teacher and these batches; nil for the configured one.
  ///   - epochs: how many epochs to record; nil for all that differ in the runs.
  ///   - runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  ///   - part: which of several parts to record, each by a process of its own; nil for all of it by this one.
  ///   - waitsForOthers: whether another process that works in the folder is waited for, or refuses the recording.
  package init(
    _ settings: Configuration, serving served: [Configuration]? = nil, epochs: Int? = nil,
    storage: RecordingHeader.Storage = .float32, library: ImageLibrary, runs: URL, part: RecordingPart? = nil,
    waitsForOthers: Bool = false
  ) {
    (self.part, self.waitsForOthers) = (part, waitsForOthers)
    self.settings = settings
    self.served = served ?? [settings]
    self.epochs = epochs ?? self.served.map(\.distinctEpochs).max() ?? settings.distinctEpochs
    self.storage = storage
    self.library = library
    self.runs = runs
  }

  /// The bytes that it takes in all.
  /// - Throws: as `run`, for a teacher that is not there or does not fit.
  package func byteCount() throws -> Int {
    let plan = try plan()
    return plan.header([]).byteCount(plan.statistics, batches: 0..<plan.batches([]).count)
  }

  /// A name for what is recorded: another one for another teacher, other batches or other losses.
  /// - Throws: as `run`, for a teacher that is not there or does not fit.
  package func key() throws -> String { try plan().header([]).key }

  /// Records into a folder to the end, or until `shouldStop`, which is asked after every batch. Returns nil when it was
  /// stopped.
  ///
  /// A part goes on with whatever is there, and keeps no other process out of the folder.
  /// - Parameter resume: go on with an unfinished recording of the same thing in the folder.
  /// - Throws: `RunError`, `RecordingError`, `ConfigurationError`, `DataError`, `TensorFileError` and whatever `onEvent`
  ///   throws. What was recorded before stays.
  package func run(
    into folder: URL, resume: Bool, shouldStop: () -> Bool, onEvent: (Event) throws -> Void
  ) throws -> Result? {
    let plan = try plan()
    try check(folder, resume: resume || part != nil)
    let images = try library.teacherTraining(settings.data)
    let claim: RunClaim?
    do {
      claim = try self.claim(folder, shouldStop: shouldStop, onEvent: onEvent)
    } catch is Patience.Stopped {
      return nil
    } catch let finished as Finished {
      return result(finished.recording, plan)
    }
    settings.training.prepareRuntime()
    do {
      return try withTorchErrors {
        let batches = settings.batches(of: images, epochs: epochs)
        let teacher = try plan.teacher.signal(
          TeacherNeeds(plan.statistics), settings, training: images,
          evaluation: library.teacherEvaluation(settings.data),
          onCost: { try onEvent(.quantized($0)) })
        for remark in try remarks(plan.teacher, teacher, batches) { try onEvent(.warning(remark)) }
        let header = plan.header([images.fact])
        let writer = try RecordingWriter(header, statistics: plan.statistics, to: folder)
        let work = RecordingWork(
          teacher: teacher, batches: batches, writer: writer, isDealtOut: (part?.count ?? 1) > 1)
        return try record(work, header, plan, in: folder, shouldStop: shouldStop, onEvent: onEvent)
      }
    } catch {
      claim?.abandon()
      switch error {
      case let error as TorchError where error.isOutOfMemory:
        throw RunError("out of memory; use a smaller training.batch_size (\(error.message))")
      case let error as BrokenTeacher: throw RunError("teacher: \(plan.teacher.place) \(error.problem)")
      default: throw error
      }
    }
  }

  /// Keeps other processes out of the folder. Those that record a part each share it, on machines that locks need not reach.
  /// - Throws: `Finished`, `Patience.Stopped`, `RunError`.
  private func claim(
    _ folder: URL, shouldStop: () -> Bool, onEvent: (Event) throws -> Void
  ) throws -> RunClaim? {
    guard part == nil else {
      try RunFolder(folder).create()
      return nil
    }
    var patience = Patience()
    return try RunClaim(RunFolder(folder)) {
      guard waitsForOthers else { return false }
      // It may be done and in use by those that it was made for.
      if let recording = try? Recording(folder), recording.missing.isEmpty { throw Finished(recording: recording) }
      try patience.wait(shouldStop: shouldStop) { try onEvent(.waiting) }
      return true
    }
  }

  /// What is odd about a teacher, a line each.
  /// - Throws: `BrokenTeacher` for one that must not be recorded.
  private func remarks(
    _ source: TeacherSource, _ teacher: any TeacherSignal, _ batches: ImageBatches
  ) throws -> [String] {
    var first = batches.batches(from: BatchPosition())
    guard let batch = try first.next() else { preconditionFailure("a checked configuration has batches") }
    return [source.remark].compactMap(\.self) + (try teacher.check(on: batch))
  }

  /// What is recorded, known before anything is loaded.
  private func plan() throws -> RecordingPlan {
    guard let teacher = settings.teacher else { throw RunError("\(settings.name) has no teacher to record") }
    if teacher.readsRecording { throw RunError("teacher.recording: a recording is not recorded again") }
    if let repeats = settings.training.planEpochs, epochs > repeats {
      throw RunError("the plan repeats after \(repeats) epochs (training.plan_epochs); record no more than these")
    }
    if let term = served.flatMap(\.losses.terms).first(where: { type(of: $0.method).needsNormalizations }) {
      throw RunError("losses.\(term.id): needs the batch norms of a live teacher; a recording cannot serve it")
    }
    try settings.checkDevice()
    let source = try TeacherSource(teacher, for: settings, runs: runs)
    for run in served { try run.check(teacher: source.description) }
    return RecordingPlan(
      settings: settings, teacher: source, teacherFacts: try source.facts(settings), epochs: epochs,
      methods: Set(served.flatMap { $0.losses.terms.map(\.method.name) }),
      statistics: try served.reduce(into: []) { statistics, run in
        statistics.formUnion(try run.objective(teacher: source.description, Generator(seed: 0)).statistics)
      }, storage: storage)
  }

  private func record(
    _ work: RecordingWork, _ header: RecordingHeader, _ plan: RecordingPlan, in folder: URL, shouldStop: () -> Bool,
    onEvent: (Event) throws -> Void
  ) throws -> Result? {
    try writeClassifier(plan, in: folder)
    let (layout, own) = (header.layout(plan.statistics), part ?? .whole)
    let check = try RecordingCheck(
      folder, expected: header, among: { own.holds($0.lowerBound, of: layout) },
      goesOn: {
        try onEvent(.checking(done: $0, total: $1))
        return !shouldStop()
      })
    guard let check else { return nil }
    if let problem = check.damage { try onEvent(.damaged("\(problem); recording what is damaged again")) }
    try checkSpace(for: check.wanted.reduce(0) { $0 + header.byteCount(plan.statistics, batches: $1) }, in: folder)
    var share = Share(
      part: own, batches: own.batchCount(in: 0..<header.batches.count, of: layout),
      batchesLeft: check.wanted.reduce(0) { $0 + own.batchCount(in: $1, of: layout) })
    try onEvent(
      .began(
        Size(
          epochs: epochs, batches: header.batches.count, batchesDone: share.batchesDone,
          bytes: header.byteCount(plan.statistics, batches: 0..<header.batches.count),
          share: part.map { _ in share })))
    for index in own.ranges(of: layout) {
      for target in check.targets(at: index, of: layout) {
        let isComplete = try work.record(target) { position, imagesPerSecond in
          share.batchesDone += 1
          let step = Step(
            position: position, batchesPerEpoch: header.batches.perEpoch, epochs: epochs,
            imagesPerSecond: imagesPerSecond, share: part.map { _ in share })
          try onEvent(.batch(step))
          return !shouldStop()
        }
        guard isComplete || share.batchesDone == share.batches else { return nil }
      }
    }
    let end = RecordingEnd(writer: work.writer, header: header, layout: layout, part: own, folder: folder)
    guard let missing = try end.finish(shouldStop: shouldStop, onEvent: onEvent) else { return nil }
    let recording = try Recording(folder)
    guard part != nil else {
      try recording.require(plan.statistics)
      return result(recording, plan)
    }
    return result(recording, plan, end.result(share, recorded: work.recorded, missing: missing))
  }

  private func writeClassifier(_ plan: RecordingPlan, in folder: URL) throws {
    guard served.contains(where: \.losses.needClassifier) else { return }
    let recording = try Recording(folder)
    // A damaged one is written anew.
    if (try? recording.classifier()) != nil { return }
    if let classifier = try plan.teacher.classifier() { try recording.write(classifier) }
  }

  /// Another process has recorded the same.
  private struct Finished: Error { let recording: Recording }

  private func result(_ recording: Recording, _ plan: RecordingPlan, _ part: PartResult? = nil) -> Result {
    let header = recording.header
    let count = header.batches.count
    return Result(
      folder: recording.folder.displayName, teacher: header.teacher.name, signals: header.signals, epochs: epochs,
      batches: count, bytes: header.byteCount(plan.statistics, batches: 0..<count), planSeed: settings.planSeed,
      part: part)
  }

  private func check(_ folder: URL, resume: Bool) throws {
    let name = folder.displayName
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    // Looked for after the list was made: another process may have begun in between.
    if Recording.exists(in: folder) {
      guard resume else { throw RunError("\(name) holds a recording; go on with --resume or choose another --out") }
      return
    }
    guard contents.allSatisfy({ $0.hasSuffix(".partial") || $0 == FolderLock.fileName }) else {
      throw RunError("\(name) is not empty and holds no recording; choose another folder with --out")
    }
  }

  private func checkSpace(for bytes: Int, in folder: URL) throws {
    guard let free = DiskSpace.free(at: folder), free < bytes else { return }
    throw RunError(
      "the recording takes \(Format.bytes(bytes)) and \(Format.bytes(free)) are free in "
        + "\(folder.displayName); record fewer epochs or losses, use --storage float16, or another --out")
  }
}

/// A recording as it is meant to be.
private struct RecordingPlan {
  let settings: Configuration
  let teacher: TeacherSource
  let teacherFacts: [RecordingHeader.Fact]
  let epochs: Int
  let methods: Set<String>
  let statistics: Set<TeacherStatistic>
  let storage: RecordingHeader.Storage

  /// - Parameter imageFacts: what is known once the images are loaded.
  func batches(_ imageFacts: [RecordingHeader.Fact]) -> RecordingHeader.Batches {
    RecordingHeader.Batches(
      epochs: epochs, perEpoch: settings.batchesPerEpoch, size: settings.training.batchSize,
      lastSize: settings.lastBatchSize, facts: settings.planFacts + imageFacts)
  }

  func header(_ imageFacts: [RecordingHeader.Fact]) -> RecordingHeader {
    RecordingHeader(
      teacher: teacher.description, teacherFacts: teacherFacts, batches: batches(imageFacts), methods: methods,
      statistics: statistics, storage: storage)
  }
}
