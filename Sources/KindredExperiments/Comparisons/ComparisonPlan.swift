// What a comparison will do, and what that is expected to take, before it does any of it.

import Files
import Foundation
import Kindred
import KindredVision
import Torch

/// The recordings and the work of a comparison.
package struct ComparisonPlan {
  /// A teacher's signal that several runs share, or that one run hears live.
  package struct Signal: Sendable, Equatable {
    package let teacher: String
    /// How many runs hear it.
    package let runs: Int
    /// What is recorded of it, see `TeacherStatistic.name`.
    package let signals: [String]
    package let bytes: Int
    package let use: Use

    /// How runs hear a teacher.
    package enum Use: String, Sendable {
      case recorded
      /// A recording would not save time.
      case live
      /// A recording would take too much of the disk.
      case tooLarge = "live, too large"
    }
  }

  /// What all that is missing is expected to take.
  package struct Estimate: Sendable, Equatable {
    package let seconds: Double
    /// How many combinations of networks and losses were measured.
    package let measured: Int
    /// How many were not, and are reckoned from the measured ones by their multiply-adds.
    package let reckoned: Int
  }

  package let runs: Int
  package let finished: Int
  package let signals: [Signal]
  /// The bytes of all runs' folders when they are finished.
  package let runBytes: Int
  /// The bytes of the largest recording: there is one at a time.
  package let recordingBytes: Int
  /// nil where nothing was measured.
  package let estimate: Estimate?
  /// Why something could not be measured.
  package let obstacle: String?
}

extension Comparison {
  /// What is to be done. Needs neither images nor trained teachers.
  /// - Parameter measuring: for how long steps may be measured on synthetic images; nil for not at all.
  /// - Throws: as `TeacherInspection`, `ConfigurationError`.
  package func plan(measuring: Duration? = .seconds(30)) throws -> ComparisonPlan {
    let works = try SharedSignal.groups(jobs).flatMap { try PlannedSignal.all(of: $0, self) }
    let meter = measuring.map { StepMeter(limit: $0, runs: runs) }
    var seconds = 0.0
    for work in works where meter != nil { work.prepare(meter) }
    for work in works { seconds += try work.seconds(meter) ?? 0 }
    let signals = works.compactMap(\.signal)
    return ComparisonPlan(
      runs: jobs.count, finished: jobs.count - works.reduce(0) { $0 + $1.missing.count }, signals: signals,
      runBytes: try works.reduce(0) { try $0 + $1.runBytes() },
      recordingBytes: signals.filter { $0.use == .recorded }.map(\.bytes).max() ?? 0,
      estimate: meter.flatMap {
        $0.measured == 0 ? nil : .init(seconds: seconds, measured: $0.measured, reckoned: $0.reckoned)
      }, obstacle: meter?.obstacle)
  }
}

/// The runs of a signal, looked at beforehand.
private struct PlannedSignal {
  let signal: ComparisonPlan.Signal?
  let missing: [Comparison.Job]
  private let jobs: [Comparison.Job]
  private let teacher: NetworkDescription?

  /// The runs of a signal, and apart from them those for which its recording would be too large.
  static func all(of shared: SharedSignal, _ comparison: Comparison) throws -> [PlannedSignal] {
    let teacher = try teacher(of: shared.jobs[0].settings, comparison)
    guard let teacher, comparison.recordsTeachers, try shared.savesTime(for: missing(of: shared)) else {
      return [try PlannedSignal(shared, teacher, comparison)]
    }
    return try shared.fitting(below: comparison.largestRecording) { try recording(of: $0, teacher).bytes }
      .map { try PlannedSignal($0, teacher, comparison) }
  }

  private static func teacher(of settings: Configuration, _ comparison: Comparison) throws -> NetworkDescription? {
    let inspection = try TeacherInspection(settings, runs: comparison.runs)
    var teacher = inspection?.description
    // Weights that are not there yet do not say how many classes they are for.
    if inspection?.absence != nil, teacher?.classes == nil { teacher?.classes = settings.data.classCount }
    return teacher
  }

  private static func missing(of shared: SharedSignal) throws -> [Comparison.Job] {
    try shared.jobs.filter { if case .finished = try $0.folder.state() { false } else { true } }
  }

  private static func recording(
    of shared: SharedSignal, _ teacher: NetworkDescription
  ) throws -> (signals: [String], bytes: Int) {
    let settings = shared.jobs.map(\.settings)
    let statistics = try settings.reduce(into: Set<TeacherStatistic>()) {
      $0.formUnion(try $1.objective(teacher: teacher, Generator(seed: 0)).statistics)
    }
    let header = RecordingHeader(
      teacher: teacher, teacherFacts: [],
      batches: settings[0].recordedBatches(settings.map(\.distinctEpochs).max() ?? 0),
      methods: [], statistics: statistics, storage: .float32)
    return (header.signals, header.byteCount(statistics, batches: 0..<header.batches.count))
  }

  private init(_ shared: SharedSignal, _ teacher: NetworkDescription?, _ comparison: Comparison) throws {
    jobs = shared.jobs
    missing = try Self.missing(of: shared)
    self.teacher = teacher
    guard let teacher, shared.isRecordable else {
      signal = nil
      return
    }
    let (signals, bytes) = try Self.recording(of: shared, teacher)
    let isSaving = try comparison.recordsTeachers && shared.savesTime(for: missing)
    let isSmall = bytes < comparison.largestRecording
    signal = .init(
      teacher: teacher.name, runs: jobs.count, signals: signals, bytes: bytes,
      use: !isSaving ? .live : isSmall ? .recorded : .tooLarge)
  }

  /// Measures what is not known yet.
  func prepare(_ meter: StepMeter?) {
    for job in missing { meter?.measure(job.settings, teacher: teacher) }
  }

  /// The time of the missing runs and their recording.
  func seconds(_ meter: StepMeter?) throws -> Double? {
    guard let meter else { return nil }
    let isRecorded = signal?.use == .recorded
    var seconds = 0.0
    for job in missing {
      let (settings, cost) = (job.settings, meter.cost(of: job.settings, teacher: teacher))
      let epochs = try settings.training.epochs - job.folder.epochsDone
      let step = isRecorded ? max(cost.step - cost.teacher, 0) : cost.step
      seconds += Double(epochs * settings.batchesPerEpoch) * step
      let evaluations = (epochs + settings.training.evaluateEvery - 1) / settings.training.evaluateEvery
      let networks = settings.training.ema == nil ? 1 : 2
      seconds += Double(networks * evaluations * settings.evaluationImageCount) * cost.evaluatedImage
    }
    guard isRecorded, let first = missing.first?.settings else { return seconds }
    let batches = (jobs.map(\.settings.distinctEpochs).max() ?? 0) * first.batchesPerEpoch
    return seconds + Double(batches) * meter.cost(of: first, teacher: teacher).teacher
  }

  /// What the folders of all finished runs take: the last weights, the best ones and their average, and a checkpoint with the
  /// optimiser's state and what losses train.
  func runBytes() throws -> Int {
    try jobs.reduce(0) { sum, job in
      let settings = job.settings
      let network = try settings.studentFacts.cost(classes: settings.data.classCount).parameters
      let modules = try settings.objective(teacher: teacher, Generator(seed: 0)).modules
      let own = modules.reduce(0) { $0 + $1.module.parameterCount }
      let states = if case .adamW = settings.training.optimizer { 2 } else { 1 }
      let copies = states + (settings.training.accumulate > 1 ? 1 : 0)
      let averages = settings.training.ema == nil ? 0 : 1
      return sum + 4 * ((2 + averages) * network + own + copies * (network + own))
    }
  }
}

extension Configuration {
  fileprivate func recordedBatches(_ epochs: Int) -> RecordingHeader.Batches {
    .init(
      epochs: epochs, perEpoch: batchesPerEpoch, size: training.batchSize, lastSize: lastBatchSize, facts: planFacts)
  }

  /// The images that accuracy is measured on.
  var evaluationImageCount: Int {
    data.evaluateOn == .heldOut ? data.heldOutImages : data.testImages ?? data.imageCount(.test) ?? 0
  }
}
