// One run from its configuration to its result: what `kindred train` and `kindred distill` do.

import Files
import Foundation
import Kindred
import KindredVision
import Torch

/// What a run says while it goes on.
package enum RunEvent {
  /// Another process works in the run's folder and is waited for.
  case waiting
  /// The run goes on from a checkpoint, with this many epochs done.
  case resumed(epochs: Int)
  /// The teacher works in int8, at this cost.
  case quantized(QuantizationCost)
  /// A weight was found by calibration.
  case calibrated(FoundWeight)
  case training(TrainingEvent)
  /// The run needs no more epochs: so many evaluations, one after another, were not better than the best.
  case endedEarly(after: BestEvaluation, evaluations: Int)
}

/// A weight that calibration found for a term: its gradient is `fraction` times that of the reference's losses.
package struct FoundWeight: Sendable, Equatable {
  package let term: String
  package let weight: Double
  package let fraction: Double
  /// The names of the losses that it was set against.
  package let reference: String
}

/// How a run ended.
package enum RunOutcome: Sendable {
  case finished(RunResult)
  /// Stopped on request, its state saved.
  case stopped
}

/// One run: trains the student of a configuration into a folder.
///
/// A run belongs to the thread that runs it.
package final class TrainingRun {
  private var settings: Configuration
  private let folder: RunFolder
  private let library: ImageLibrary
  private let runs: URL
  private let recording: URL?
  private let waitsForOthers: Bool
  private let group: ProcessGroup
  private let logsForTensorBoard: Bool
  /// Whether there is a checkpoint to go on from.
  private var hasCheckpoint = false
  private var clock = RunClock()
  /// What was warned of.
  private var warnings: [String] = []

  /// - Parameters:
  ///   - folder: where the run's files go, of several processes the first one's.
  ///   - runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  ///   - recording: a recording of the configuration's own teacher, to be used in its place.
  ///   - waitsForOthers: whether another process that works in the folder is waited for, or refuses the run.
  ///   - group: the processes that train it together, each of which makes the same run.
  ///   - logsForTensorBoard: whether the folder's `tensorboard/` is to have what TensorBoard shows.
  package init(
    _ settings: Configuration, folder: RunFolder, library: ImageLibrary, runs: URL, recording: URL? = nil,
    waitsForOthers: Bool = false, group: ProcessGroup = ProcessGroup(), logsForTensorBoard: Bool = false
  ) {
    self.recording = recording
    self.logsForTensorBoard = logsForTensorBoard
    self.waitsForOthers = waitsForOthers
    self.group = group
    self.settings = settings
    self.folder = folder
    self.library = library
    self.runs = runs
  }

  /// Runs to the end, or until `shouldStop`, which is asked after every step.
  ///
  /// - Parameter resume: go on with the unfinished run of the same configuration in the folder, or with a finished one
  ///   that is to have more epochs. One that is finished as it is is left alone, needs none of the files that it read, and
  ///   its result is returned.
  /// - Throws: `RunError`, `ConfigurationError`, `DataError`, `TensorFileError`, `DivergedRun` and whatever `onEvent`
  ///   throws. What was saved before stays; a refusal leaves nothing behind.
  package func run(
    resume: Bool, shouldStop: () -> Bool, onEvent: (RunEvent) throws -> Void
  ) throws -> RunOutcome {
    try settings.checkDevice()
    try settle(settings.fileContent(runs: runs))
    // A finished run needs nothing any more.
    if resume, let result = try finishedBefore(resume: true) { return .finished(result) }
    // Everything that can be refused is refused before anything is loaded or written.
    let teacher = try openTeacher()
    if let result = try finishedBefore(resume: resume) { return .finished(result) }
    let images = try loadImages()
    var claim: RunClaim?
    let isStopped = try group.firstDecides {
      claim = try claimed(shouldStop: shouldStop, onEvent: onEvent)
      return claim == nil
    }
    if isStopped { return .stopped }
    do {
      // Another process may have worked here while the images were loaded.
      if let result = try finishedBefore(resume: resume) { return .finished(result) }
      settings.training.prepareRuntime(processes: group.local.count)
      return try explained(teacher) {
        let work = try RunWork(settings, teacher: teacher, images: images, group: group) {
          try onEvent(.quantized($0))
        }
        warnings = work.remarks
        for remark in work.remarks { try onEvent(.training(.warning(remark))) }
        return try go(work, shouldStop: shouldStop, onEvent: onEvent)
      }
    } catch {
      claim?.abandon()
      throw error
    }
  }

  /// Refuses what `run` refuses before it trains, whatever the folder holds. Writes nothing.
  /// - Throws: as `run`.
  package func check() throws {
    try settings.checkDevice()
    try settle(settings.fileContent(runs: runs))
    let teacher = try openTeacher()
    let images = try loadImages()
    try explained(teacher) {
      _ = try RunWork(settings, teacher: teacher, images: images, group: group, onCost: { _ in })
    }
  }

  /// The teacher, which fits the run as far as its files say.
  private func openTeacher() throws -> TeacherSource? {
    let teacher = try (recording.map { .init(source: .recording(.init($0))) } ?? settings.teacher).map {
      try TeacherSource($0, for: settings, runs: runs)
    }
    if let teacher { try settings.resolveLayers(teacher: teacher.description) }
    return teacher
  }

  private func loadImages() throws -> RunImages {
    try settings.checkStart()
    try settings.check(processes: group.rank.count)
    let images = try RunImages(settings.data, library)
    try settle(images.content)
    let content = settings.content.map { "\($0.key): \($0.value)" }.sorted().joined(separator: "\n")
    try group.requireSame("images, or another teacher,", content)
    settings.data.takeStatistics(of: images.training)
    return images
  }

  /// The folder, kept from others; nil where a stop was asked for while another process was waited for.
  private func claimed(shouldStop: () -> Bool, onEvent: (RunEvent) throws -> Void) throws -> RunClaim? {
    var patience = Patience()
    do {
      return try RunClaim(folder) {
        if waitsForOthers { try patience.wait(shouldStop: shouldStop) { try onEvent(.waiting) } }
        return waitsForOthers
      }
    } catch is Patience.Stopped {
      return nil
    }
  }

  /// Takes note of what files hold, unless the configuration says that they hold something else.
  private func settle(_ content: Configuration.Content) throws {
    if let difference = content.difference(from: settings.content) {
      throw RunError(
        "content: \(settings.name) was written for \(difference); take content out of the configuration to use what is "
          + "there now")
    }
    settings.content.merge(content) { _, new in new }
  }

  /// Makes one line, with what to do, of whatever goes wrong in the work itself.
  private func explained<Result>(_ teacher: TeacherSource?, _ work: () throws -> Result) throws -> Result {
    do {
      return try withTorchErrors(work)
    } catch let error as TorchError where error.isOutOfMemory {
      throw RunError("out of memory; use a smaller training.batch_size (\(error.message))")
    } catch let error as StepNotCaptured {
      throw RunError("\(error); use training.cuda_graph: false")
    } catch let error as NonFiniteLoss {
      throw diverged("\(error)")
    } catch let error as BrokenTeacher {
      throw RunError("teacher: \(teacher?.place ?? "it") \(error.problem)")
    } catch let error as CalibrationError {
      throw RunError("losses.\(error.term).weight: \(error)")
    }
  }

  /// Writes down that it diverged, so that it may begin anew once its settings are others.
  private func diverged(_ reason: String) -> DivergedRun {
    if group.rank.isFirst { try? folder.write(Data((reason + "\n").utf8), to: folder.divergence) }
    return DivergedRun(reason: reason, advice: lastGoodState)
  }

  /// Where to go back to after a run that went wrong.
  private var lastGoodState: String {
    folder.hasCheckpoint
      ? "the last good checkpoint is \(folder.checkpoint.displayName); try a smaller learning rate"
      : "no checkpoint was made before it; try a smaller learning rate"
  }

  /// What the folder holds of this very run, as the first of several processes sees it.
  private struct Standing: Codable {
    var result: RunResult?
    var foundWeights: [String: Double]
    var hasCheckpoint: Bool
  }

  /// The result where the folder holds this very run, finished; nil where there is work to do.
  private func finishedBefore(resume: Bool) throws -> RunResult? {
    let standing = try group.firstDecides {
      let result = try finishedHere(resume: resume)
      return Standing(
        result: result, foundWeights: settings.losses.foundWeights, hasCheckpoint: folder.hasCheckpoint)
    }
    settings.losses.takeFoundWeights(standing.foundWeights)
    hasCheckpoint = standing.hasCheckpoint
    return standing.result
  }

  private func finishedHere(resume: Bool) throws -> RunResult? {
    switch try folder.state() {
    case .empty: return nil
    case .finished(let other, let result):
      if try goesOn(from: other, resume: resume) {
        guard result.epochs == other.training.epochs else {
          throw RunError(
            "\(folder.name) cannot go on to \(settings.training.epochs) epochs: it lost its patience after epoch "
              + "\(result.epochs); choose another folder with --out")
        }
        guard folder.hasCheckpoint else {
          throw RunError("\(folder.name) cannot go on to \(settings.training.epochs) epochs: its checkpoint is gone")
        }
        return nil
      }
      guard resume else {
        throw RunError("\(folder.name) holds this run already, finished; choose another folder with --out")
      }
      return result
    case .unfinished(let other):
      if folder.hasDiverged, settings.resolvingLayers(like: other, runs: runs).difference(from: other) != nil {
        try folder.beginAnew()
        return nil
      }
      _ = try goesOn(from: other, resume: resume)
      if !resume, FolderLock.isHeld(folder.url) {
        let command = ShellCommand.line([ShellCommand.program, "watch", folder.name])
        throw RunError(
          "\(folder.name) holds this run, and another process works on it now; \(command) shows how far it is")
      }
      guard resume else {
        throw RunError("\(folder.name) holds this run, unfinished; go on with --resume or choose another --out")
      }
      return nil
    }
  }

  /// Whether the run in the folder is this one with another number of epochs, and can go on so. Weights that it has found
  /// are used again.
  /// - Throws: `RunError` where it is another run, or cannot go on.
  private func goesOn(from other: Configuration, resume: Bool) throws -> Bool {
    settings = settings.resolvingLayers(like: other, runs: runs)
    let hasOtherEpochs = resume && settings.isWithOtherEpochs(other)
    let difference = hasOtherEpochs ? nil : settings.difference(from: other)
    if let difference = difference ?? settings.content.difference(from: other.content) {
      throw RunError("\(folder.name) holds another run (\(difference)); choose another folder with --out")
    }
    if hasOtherEpochs, let obstacle = settings.obstacle(goingOnFrom: other, after: try folder.epochsDone) {
      throw RunError("\(folder.name) cannot go on to \(settings.training.epochs) epochs: \(obstacle)")
    }
    settings.losses.takeFoundWeights(other.losses.foundWeights)
    return hasOtherEpochs
  }

  private func go(
    _ work: RunWork, shouldStop: () -> Bool, onEvent: (RunEvent) throws -> Void
  ) throws -> RunOutcome {
    clock = RunClock()
    if !settings.losses.uncalibrated.isEmpty {
      for found in try work.calibrate() {
        settings.losses.setFound(found.weight, for: found.term)
        try onEvent(.calibrated(found))
      }
    }
    try group.firstDoes { try folder.begin(settings) }
    let distiller = try work.distiller(settings)
    if hasCheckpoint {
      try restore(distiller)
      if group.rank.isFirst { clock = RunClock(try Safetensors.metadata(of: folder.checkpoint)) }
      try onEvent(.resumed(epochs: distiller.progress.position.epoch))
    }
    let position = distiller.progress.position
    var log = try group.rank.isFirst ? MetricsLog(folder, before: position.epoch) : nil
    let curves = try log.flatMap {
      try logsForTensorBoard
        ? TensorBoardLog(
          folder, from: position, batchesPerEpoch: work.batches.batchesPerEpoch, before: $0.epochs) : nil
    }
    return try train(distiller, work, &log, curves, shouldStop: shouldStop, onEvent: onEvent)
  }

  private func restore(_ distiller: Distiller) throws {
    let name = folder.checkpoint.displayName
    do {
      try Checkpoint.load(folder.checkpoint, into: distiller)
    } catch let error as StateError {
      throw RunError("\(name) is not of this run: \(error)")
    } catch let error as BrokenEntry {
      throw RunError("\(name): \(error); delete the folder and run again with a smaller learning rate")
    }
  }

  private func train(
    _ distiller: Distiller, _ work: RunWork, _ log: inout MetricsLog?, _ curves: TensorBoardLog?,
    shouldStop: () -> Bool, onEvent: (RunEvent) throws -> Void
  ) throws -> RunOutcome {
    var saver = CheckpointTimer()
    let agreement = StopAgreement(group)
    let (classCount, group) = (settings.data.classCount, group)
    let evaluate = work.evaluationImages.map { images in
      { (network: Network) throws in
        try network.evaluation(on: images.batches(), classCount: classCount, in: group)
      }
    }
    let events = distiller.events(on: work.batches, evaluate: evaluate)
    while let event = try events.next() {
      switch event {
      case .warning(let warning): warnings.append(warning)
      case .step(let step):
        try curves?.append(step)
        if saver.isDue() { try save(distiller) }
      case .epoch(let report):
        for loss in [report.evaluationLoss, report.averageEvaluationLoss].compactMap({ $0 }) where !loss.isFinite {
          throw diverged("the evaluation's loss after epoch \(report.epoch) is \(loss.printed)")
        }
        let logged = LoggedEpoch(report)
        try log?.append(logged)
        try curves?.append(logged)
        // Before the checkpoint, which says that they are kept.
        if let best = distiller.progress.best, best.epoch == report.epoch { try keep(best, of: distiller) }
        try save(distiller)
        saver = CheckpointTimer()
      }
      try onEvent(.training(event))
      if case .step = event, try agreement.isReached(shouldStop()) { break }
    }
    guard distiller.isFinished else {
      try save(distiller)
      return .stopped
    }
    if distiller.endedEarly, let best = distiller.progress.best {
      try onEvent(.endedEarly(after: best, evaluations: best.evaluationsSince))
    }
    // A run killed after its last epoch and before its result has still to be measured.
    let last = try distiller.evaluation ?? evaluate.map { try distiller.measured(by: $0) }
    return .finished(try finish(distiller, log, last, work))
  }

  private func finish(
    _ distiller: Distiller, _ log: MetricsLog?, _ evaluation: StudentEvaluation?, _ work: RunWork
  ) throws -> RunResult {
    let result = RunResult(
      settings, work, evaluation, distiller.progress, epochs: log?.epochs ?? [], clock: clock, warnings: warnings)
    guard group.rank.isFirst else { return result }
    if let average = distiller.average { try write(average.state, of: distiller, to: folder.averageWeights) }
    try write(distiller.student.weights, of: distiller, to: folder.weights)
    try folder.removeCopies()
    try folder.write(result)
    return result
  }

  private func save(_ distiller: Distiller) throws {
    try Checkpoint.save(distiller, to: folder.checkpoint, facts: clock.facts)
  }

  /// Keeps the weights of the best evaluation so far.
  private func keep(_ best: BestEvaluation, of distiller: Distiller) throws {
    guard group.rank.isFirst else { return }
    let weights = best.isAverage ? distiller.average?.state : nil
    try write(
      weights ?? distiller.student.weights, of: distiller, to: folder.bestWeights, facts: RunResult.Best(best).facts)
  }

  private func write(
    _ weights: [String: Tensor], of distiller: Distiller, to file: URL, facts: [String: String] = [:]
  ) throws {
    let own = (distiller.student as? ReusedClassifierNetwork)?.facts ?? [:]
    let metadata = ["network": settings.student.network.name, "data": settings.data.name]
    try Safetensors.write(
      weights, metadata: metadata.merging(own) { own, _ in own }.merging(facts) { own, _ in own }, to: file)
  }
}

extension Network {
  /// Every entry by its name.
  fileprivate var weights: [String: Tensor] { Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) }) }
}

/// Long epochs are saved in their midst too.
private struct CheckpointTimer {
  private var last = ContinuousClock.now

  mutating func isDue() -> Bool {
    guard ContinuousClock.now - last > .seconds(300) else { return false }
    last = .now
    return true
  }
}
