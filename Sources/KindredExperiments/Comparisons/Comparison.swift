// Several configurations, several seeds, one table: what `kindred compare` does.

import Files
import Foundation
import Kindred
import KindredReport
import KindredVision
import Torch

/// Trains what is missing of a set of configurations over several seeds, and tabulates all of it.
package final class Comparison {
  /// One run of the comparison.
  package struct Job: Sendable {
    package let settings: Configuration
    package let folder: RunFolder
    /// Whether the run makes a teacher for the others.
    package let isTeacher: Bool
  }

  /// A run's part of the work that is to be done, in multiply-adds.
  package struct Part: Sendable {
    /// That of the runs before it.
    package let before: Double
    package let size: Double
    package let total: Double

    package init(before: Double, size: Double, total: Double) {
      (self.before, self.size, self.total) = (before, size, total)
    }
  }

  /// What a comparison says while it goes on.
  package enum Event {
    /// A run begins: its number among all that are to be done, counted from 1, and which part of all work it is.
    case began(Job, number: Int, of: Int, Part)
    /// A teacher that no run makes was measured on the students' images, accuracy in percent.
    case measured(teacher: String, accuracy: Double, images: Int)
    /// A run was finished before and is used as it is.
    case skipped(Job)
    /// A teacher is recorded once for these runs, into so many bytes.
    case recording([Job], bytes: Int)
    case recorded(RecordingRun.Event)
    /// The recording has ended; the runs that hear it follow.
    case recordingFinished
    /// A teacher that could serve these runs once runs in each of them instead: the disk is too full.
    case recordingTooLarge([Job], bytes: Int, free: Int)
    case run(Job, RunEvent)
    case finished(Job, RunResult)
    /// A run diverged, or has a teacher that did; the others go on.
    case failed(Job, reason: String)
  }

  /// In order: teachers first.
  package let jobs: [Job]
  let library: ImageLibrary
  let runs: URL
  let recordsTeachers: Bool
  let group: ProcessGroup
  private let logsForTensorBoard: Bool

  /// - Parameters:
  ///   - settings: what is compared, each under a name of its own.
  ///   - seeds: how many seeds each is trained with, counting up from the configuration's own.
  ///   - runs, library, recordsTeachers: as below.
  /// - Throws: as below.
  package convenience init(
    _ settings: [Configuration], seeds: Int, runs: URL, library: ImageLibrary, recordsTeachers: Bool = true
  ) throws {
    let rows = settings.map { Study.Row($0, seeds: seeds) }
    try self.init(rows, runs: runs, library: library, recordsTeachers: recordsTeachers)
  }

  /// - Parameters:
  ///   - rows: what is compared, each under a name of its own.
  ///   - runs: the folder that the runs' folders lie in, as `NAME/seed-N` or `NAME/split-K-seed-N`.
  ///   - recordsTeachers: whether a teacher that several runs hear over the same batches is recorded and replayed. Of several
  ///     processes each asks its own.
  ///   - group: the processes that train each run together.
  ///   - logsForTensorBoard: whether each run's `tensorboard/` is to have what TensorBoard shows.
  /// - Throws: `RunError` for two configurations of one name, or a teacher compared with other settings than it teaches
  ///   with; `ConfigurationError` for a teacher's.
  package init(
    _ rows: [Study.Row], runs: URL, library: ImageLibrary, recordsTeachers: Bool = true,
    group: ProcessGroup = ProcessGroup(), logsForTensorBoard: Bool = false
  ) throws {
    self.recordsTeachers = recordsTeachers && !group.isShared
    self.logsForTensorBoard = logsForTensorBoard
    self.group = group
    self.rows = rows
    let names = rows.map(\.settings.name)
    if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
      throw RunError("two configurations are called '\(twice)'; give one of them another name")
    }
    try Comparison.requireSameMeasure(rows.map(\.settings))
    let students = try rows.flatMap { try $0.runs() }
    let teachers = try Configuration.teachers(of: students)
    let teacherJobs = teachers.map {
      Job(settings: $0, folder: TeacherWeights.folder(of: $0, in: runs), isTeacher: true)
    }
    let studentJobs = students.map {
      Job(settings: $0, folder: TeacherWeights.folder(of: $0, in: runs), isTeacher: false)
    }
    try Comparison.refuseClashes(teacherJobs + studentJobs)
    // A network that is compared and teaches too is trained once.
    let taught = Set(teacherJobs.map(\.folder.url.path))
    jobs = teacherJobs + studentJobs.filter { !taught.contains($0.folder.url.path) }
    self.runs = runs
    self.library = library
    compared = studentJobs
    self.teachers = teacherJobs
  }

  let rows: [Study.Row]
  let compared: [Job]
  let teachers: [Job]

  /// The runs that diverged, or whose teachers did, and why.
  package private(set) var failures: [(job: Job, reason: String)] = []
  /// Why teachers could not be measured, a line each.
  var unmeasuredTeachers: [String] = []

  /// Trains what is missing. Returns whether it came to the end, false when it was stopped on request. Runs that diverge are
  /// `failures`.
  ///
  /// Other processes that work on the same runs or record the same teacher are waited for.
  /// - Throws: as `TrainingRun.run`; `RunError` where a finished run is another one, or learnt from another teacher.
  package func run(shouldStop: () -> Bool, onEvent: (Event) throws -> Void) throws -> Bool {
    let places = try group.firstDecides {
      let places = try jobs.indices.filter { !(try isFinished(jobs[$0])) }
      if !places.isEmpty { try requireSameImages(jobs.indices.filter { !places.contains($0) }.map { jobs[$0] }) }
      return places
    }
    let missing = places.map { jobs[$0] }
    let finished = jobs.filter { job in !missing.contains { $0.folder.url == job.folder.url } }
    for job in finished { try onEvent(.skipped(job)) }
    let unfinished = Set(missing.map(\.folder.url))
    let total = missing.reduce(0) { $0 + $1.settings.trainingWork }
    var (number, before) = (0, 0.0)
    for group in SharedSignal.groups(jobs) {
      for signal in try fitting(group, unfinished) {
        let jobs = signal.jobs.filter { unfinished.contains($0.folder.url) }
        let recording = try record(signal, for: jobs, shouldStop: shouldStop, onEvent: onEvent)
        for job in jobs {
          number += 1
          guard try !self.group.anySays(shouldStop()) else { return false }
          let part = Part(before: before, size: job.settings.trainingWork, total: total)
          before += part.size
          try onEvent(.began(job, number: number, of: missing.count, part))
          guard try carriesOut(job, recording: recording, shouldStop: shouldStop, onEvent: onEvent) else {
            return false
          }
        }
        // The next signal needs the space, and what is replayed is what a live teacher says again.
        try recording?.release()
      }
    }
    // Not before: what is refused leaves nothing.
    if !missing.isEmpty { try measureTeachers(onEvent) }
    try group.firstDoes {
      try removeLeftRecordings()
      // A teacher that was trained just now may be another than the one that finished students learnt from.
      for job in finished { _ = try isFinished(job) }
    }
    return true
  }

  /// Trains one run. Returns false when it was stopped on request.
  private func carriesOut(
    _ job: Job, recording: SharedRecording?, shouldStop: () -> Bool, onEvent: (Event) throws -> Void
  ) throws -> Bool {
    let run = TrainingRun(
      job.settings, folder: job.folder, library: library, runs: runs, recording: recording?.folder,
      waitsForOthers: !group.isShared, group: group, logsForTensorBoard: logsForTensorBoard)
    do {
      if let teacher = try failedTeacher(of: job) {
        throw DivergedRun(reason: "its teacher \(teacher.folder.name) diverged", advice: "")
      }
      switch try run.run(resume: true, shouldStop: shouldStop, onEvent: { try onEvent(.run(job, $0)) }) {
      case .stopped: return false
      case .finished(let result): try onEvent(.finished(job, result))
      }
    } catch let error as DivergedRun {
      failures.append((job, error.reason))
      try onEvent(.failed(job, reason: error.reason))
    }
    return true
  }

  /// The teacher of a run that diverged before it could teach; nil for none.
  private func failedTeacher(of job: Job) throws -> Job? {
    let folders = try Configuration.teachers(of: [job.settings]).map { TeacherWeights.folder(of: $0, in: runs).url }
    return failures.first { folders.contains($0.job.folder.url) }?.job
  }

  /// Whether a run is there.
  /// - Throws: `RunError` where it is another one, or read other files than there are now.
  private func isFinished(_ job: Job) throws -> Bool {
    guard let (_, difference) = try finished(job) else { return false }
    guard let difference else { return true }
    throw RunError("\(job.folder.name) holds another run (\(difference)); choose another folder with --out")
  }

  /// What a run came to, and in what it is another one or read other files than there are now; nil where it is not finished.
  func finished(_ job: Job) throws -> (result: RunResult, difference: String?)? {
    guard case .finished(let other, let result) = try job.folder.state() else { return nil }
    let settings = job.settings.resolvingLayers(like: other, runs: runs)
    let difference =
      try settings.difference(from: other) ?? settings.fileContent(runs: runs).difference(from: other.content)
    return (result, difference)
  }

  /// Refuses finished runs whose images were others than those that further runs would see.
  private func requireSameImages(_ finished: [Job]) throws {
    var known: [(data: Configuration.Images, content: Configuration.Content)] = []
    for job in finished {
      guard case .finished(let other, _) = try job.folder.state() else { continue }
      let data = job.settings.data
      let content = try known.first { $0.data == data }?.content ?? RunImages(data, library).content
      known.append((data, content))
      guard let difference = content.difference(from: other.content) else { continue }
      throw RunError("\(job.folder.name) holds another run (\(difference)); choose another folder with --out")
    }
  }

  private var recordings: URL { runs.appending(path: ".recordings") }

  /// What an interrupted recording left, where live teachers have done without it since.
  private func removeLeftRecordings() throws {
    guard FileManager.default.fileExists(atPath: recordings.path) else { return }
    for signal in SharedSignal.groups(jobs) where signal.isRecordable {
      guard let key = try? signal.recording(library: library, runs: runs).key() else { continue }
      try SharedRecording.remove(recordings.appending(path: key))
    }
  }

  /// The runs that one recording can serve, and those for which it would be too large.
  private func fitting(_ signal: SharedSignal, _ unfinished: Set<URL>) throws -> [SharedSignal] {
    let missing = signal.jobs.filter { unfinished.contains($0.folder.url) }
    guard recordsTeachers, try signal.savesTime(for: missing) else { return [signal] }
    return try signal.fitting(below: largestRecording) {
      try $0.recording(library: library, runs: runs).byteCount()
    }
  }

  /// Half of what is free is left for the runs and for others.
  var largestRecording: Int { (DiskSpace.free(at: runs) ?? .max) / 2 }

  /// Records what several runs will hear, where that saves time and fits the disk. Returns nil where the teacher runs live
  /// or the recording was stopped.
  private func record(
    _ signal: SharedSignal, for missing: [Job], shouldStop: () -> Bool, onEvent: (Event) throws -> Void
  ) throws -> SharedRecording? {
    guard recordsTeachers, !shouldStop(), try signal.savesTime(for: missing) else { return nil }
    let recording = signal.recording(library: library, runs: runs)
    let (bytes, free) = (try recording.byteCount(), DiskSpace.free(at: runs) ?? .max)
    guard bytes < largestRecording else {
      try onEvent(.recordingTooLarge(missing, bytes: bytes, free: free))
      return nil
    }
    try onEvent(.recording(missing, bytes: bytes))
    let folder = recordings.appending(path: try recording.key())
    var shared: SharedRecording?
    // Once more where another comparison, done with it, took it away before it was held here.
    while shared == nil {
      let result = try recording.run(
        into: folder, resume: true, shouldStop: shouldStop, onEvent: { try onEvent(.recorded($0)) })
      guard result != nil else { break }
      shared = try SharedRecording(folder)
    }
    try onEvent(.recordingFinished)
    return shared
  }

  /// The table of the accuracies of all runs that are finished; those that are not are named below it.
  /// - Throws: `RunError` where none is.
  package func table() throws -> ComparisonTable {
    let teacherRows =
      try givenTeacherRows
      + teacherNames.compactMap { name in
        try row(teachers.filter { $0.settings.name == name }, role: .teacher)
      }
    let studentRows = try rows.compactMap { row in
      try self.row(runs(of: row), role: role(of: row.settings), published: row.published)
    }
    guard !studentRows.isEmpty || !teacherRows.isEmpty else {
      throw RunError("no run is finished yet, so that there is no table")
    }
    // Of rows with fewer runs than others the n-th are not alike.
    let isPaired = rows.allSatisfy { ($0.splits ?? 1) > 1 } && compared.allSatisfy { $0.folder.hasResult }
    return ComparisonTable(
      teacherRows + studentRows, setting: try measuredRuns(compared).sentence, isPaired: isPaired,
      remarks: missingRemarks + planRemarks + teacherRemarks + (try epochRemarks()) + (try scopeRemarks()),
      period: try measuredRuns(jobs).period)
  }

  private func measuredRuns(_ jobs: [Job]) throws -> MeasuredSetting {
    MeasuredSetting(
      try jobs.filter(\.folder.hasResult).map {
        (try $0.folder.readResult(), $0.settings.data.split, $0.settings.training.seed)
      })
  }

  /// Accuracies on different images are not compared.
  private static func requireSameMeasure(_ rows: [Configuration]) throws {
    let heldOut = rows.filter { $0.data.evaluateOn == .heldOut }.map(\.name)
    let test = rows.filter { $0.data.evaluateOn == .test }.map(\.name)
    guard !heldOut.isEmpty, !test.isEmpty else { return }
    throw RunError(
      "data.evaluate_on: one table does not mix accuracies on held-out training images (\(heldOut.joined(separator: ", "))) "
        + "with those on test images (\(test.joined(separator: ", "))); compare them apart, or measure all on the same")
  }

  /// Which runs the table is without, and why.
  private var missingRemarks: [String] {
    let failed = failures.map { "\($0.job.title) failed: \($0.reason)." }
    let known = Set(failures.map(\.job.folder.url))
    let open = jobs.filter { !$0.folder.hasResult && !known.contains($0.folder.url) }.map(\.title)
    return failed + (open.isEmpty ? [] : ["Not finished: \(open.joined(separator: ", "))."])
  }

  /// Whether a run makes a teacher for others.
  func isTeaching(_ job: Job) -> Bool { teachers.contains { $0.folder.url == job.folder.url } }

  /// The teachers that are no row themselves.
  var teacherNames: [String] {
    let comparedNames = Set(compared.map(\.settings.name))
    return teachers.map(\.settings.name).uniqued.filter { !comparedNames.contains($0) }
  }

  /// The runs of a row.
  func runs(of row: Study.Row) -> [Job] { compared.filter { $0.settings.name == row.settings.name } }

  /// Which weights the accuracies belong to.
  private func epochRemarks() throws -> [String] {
    let all = try compared.filter(\.folder.hasResult).map {
      (planned: $0.settings.training.epochs, result: try $0.folder.readResult())
    }
    let results = all.filter { $0.result.accuracyPercent != nil }
    let unmeasured = all.filter { $0.result.accuracyPercent == nil }.map(\.result.name).uniqued
    let nothing =
      unmeasured.isEmpty
      ? [] : ["Trained, with no image that has a class to measure by: \(unmeasured.joined(separator: ", "))."]
    guard !results.isEmpty else { return nothing }
    let averaged = results.contains { $0.result.average != nil }
    let early = results.contains { $0.result.epochs < $0.planned }
    let last = early ? "the last epoch that each run came to" : "the last epoch"
    let which = "Accuracies are those of \(last)\(averaged ? ", of the weights and not of their moving average" : "")."
    return [which] + nothing
  }

  /// Which losses were others than those of one process.
  private func scopeRemarks() throws -> [String] {
    try compared.filter(\.folder.hasResult).compactMap { job in
      let result = try job.folder.readResult()
      guard let local = result.localRelations, let processes = result.processes else { return nil }
      return "\(result.name): \(local.joined(separator: ", ")) related the images of each of \(processes) processes "
        + "alone."
    }.uniqued
  }

  /// Which seed orders and augments the images: the spread over model seeds that share one is smaller.
  private var planRemarks: [String] {
    let seeds = Set(compared.map(\.settings.planSeed))
    guard compared.count > 1 else { return [] }
    if compared.allSatisfy({ $0.settings.planSeed == $0.settings.training.seed }) {
      return ["Each run orders, crops and flips its images by its own seed."]
    }
    guard seeds.count == 1, let seed = seeds.first else { return [] }
    return ["All runs see the same batches (plan seed \(seed)): their spread is that of the initialisation alone."]
  }

  /// A network that teaches the others is not what they are measured against, though it has no teacher itself.
  func role(of settings: Configuration) -> ComparisonRole {
    if teachers.contains(where: { $0.settings.name == settings.name }) { return .teacher }
    return settings.teacher == nil ? .baseline : .student
  }

  /// nil where no run of the row is finished or failed.
  private func row(_ jobs: [Job], role: ComparisonRole, published: Double? = nil) throws -> ComparisonRow? {
    let results = try jobs.filter(\.folder.hasResult).map { try $0.folder.readResult() }
    let failed = failures.filter { failure in jobs.contains { $0.folder.url == failure.job.folder.url } }
    let isMeasuredAlike = jobs.allSatisfy { $0.settings.data.evaluateOn == rows[0].settings.data.evaluateOn }
    let note =
      failed.isEmpty
      ? isMeasuredAlike ? nil : "measured on other images" : "\(failed.count) of \(jobs.count) runs failed"
    guard !results.isEmpty else {
      guard let settings = jobs.first?.settings, !failed.isEmpty else { return nil }
      let cost = try settings.studentFacts.cost(classes: settings.data.classCount)
      return ComparisonRow(
        method: settings.name, role: role, network: settings.student.network.name, accuracies: [], published: published,
        parameters: cost.parameters, multiplyAdds: cost.multiplyAdds, note: note)
    }
    return ComparisonRow(
      method: results[0].name, role: role, network: results[0].network,
      accuracies: isMeasuredAlike ? results.compactMap(\.accuracyPercent) : [],
      published: published, parameters: results[0].parameters, multiplyAdds: results[0].multiplyAdds, note: note)
  }

  /// Refuses runs that would share a folder with other settings.
  private static func refuseClashes(_ jobs: [Job]) throws {
    var known: [URL: Configuration] = [:]
    for job in jobs {
      if let other = known[job.folder.url], let difference = job.settings.difference(from: other) {
        throw RunError(
          "\(job.folder.name) would hold two different runs (\(difference)); give one of them another name "
            + "(--set and its like do not reach teachers: --teacher-set does)")
      }
      known[job.folder.url] = job.settings
    }
  }
}

extension Comparison.Job {
  /// What it is called in lines and tables.
  package var title: String { "\(settings.name) \(settings.repetition.replacing("-", with: " "))" }
}

extension Study.Row {
  /// Its runs: splits one after another, each with all seeds.
  fileprivate func runs() throws -> [Configuration] {
    let settings = splits.map { self.settings.counting(splits: $0) } ?? [self.settings]
    return try settings.flatMap { try $0.counting(seeds: UInt64(seedCount)) }
  }
}

extension Array where Element: Equatable {
  /// Each once, in the order in which they come first.
  var uniqued: [Element] { indices.filter { !self[..<$0].contains(self[$0]) }.map { self[$0] } }
}

extension Configuration {
  /// The configurations that make the teachers, and theirs before them, each once.
  static func teachers(of settings: [Configuration]) throws -> [Configuration] {
    try teacherRuns(of: settings).map(\.settings).uniqued
  }

  /// The configurations that make the teachers, and theirs before them, with the folder that each one's file lies in.
  static func teacherRuns(of settings: [Configuration]) throws -> [(settings: Configuration, folder: URL)] {
    let sources = settings.flatMap { student in (student.teacher?.all ?? []).map { (student, $0.source) } }
    return try sources.flatMap { student, source -> [(settings: Configuration, folder: URL)] in
      guard case .configuration(_, let made) = source else { return [] }
      let teacher = try student.teacherRun(made)
      return try teacherRuns(of: [teacher]) + [(teacher, made.file.url.deletingLastPathComponent())]
    }
  }

  /// These settings on each of so many splits.
  fileprivate func counting(splits: Int) -> [Configuration] {
    (1...splits).map {
      var other = self
      other.data.split = $0
      return other
    }
  }

  /// These settings with so many seeds, counting up from their own.
  fileprivate func counting(seeds: UInt64) throws -> [Configuration] {
    let first = training.seed
    guard seeds <= 1 || first <= UInt64.max - (seeds - 1) else {
      throw ConfigurationError(
        key: "training.seed",
        message: "\(seeds) seeds from \(first) go beyond the largest, \(UInt64.max); use a smaller one")
    }
    return (0..<seeds).map { setting(seed: first + $0) }
  }
}
