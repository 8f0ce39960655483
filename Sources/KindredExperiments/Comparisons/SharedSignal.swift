// Runs that hear the same teacher over the same batches: it need speak only once.

import Foundation
import Kindred

/// Runs of a comparison whose teacher's signal is the same, so that one recording serves them all; or a single run that
/// hears none.
struct SharedSignal {
  private(set) var jobs: [Comparison.Job]
  private let key: Key?

  /// Puts runs together by what their signals depend on, in the order of their first ones.
  static func groups(_ jobs: [Comparison.Job]) -> [SharedSignal] {
    var groups: [SharedSignal] = []
    for job in jobs {
      let key = Key(job.settings)
      if key != nil, let index = groups.firstIndex(where: { $0.key == key }) {
        groups[index].jobs.append(job)
      } else {
        groups.append(SharedSignal(jobs: [job], key: key))
      }
    }
    return groups
  }

  /// What a teacher's signal depends on; nil for a run that has no teacher of its own to run, or needs it alive.
  private struct Key: Equatable {
    let teacher: Configuration.Teacher
    let images: Configuration.Images
    let training: Recipe

    init?(_ settings: Configuration) {
      guard let teacher = settings.teacher else { return nil }
      if teacher.readsRecording || settings.losses.needNormalizations { return nil }
      self.teacher = teacher
      var images = settings.data
      // What is measured on does not matter to what is trained on.
      (images.evaluateOn, images.testImages) = (.test, nil)
      self.images = images
      var training = settings.training
      let usual = Recipe()
      // All that does not reach the teacher.
      (training.epochs, training.seed, training.planSeed) = (usual.epochs, usual.seed, settings.planSeed)
      (training.optimizer, training.schedule) = (usual.optimizer, usual.schedule)
      training.evaluateEvery = usual.evaluateEvery
      self.training = training
    }
  }

  /// Whether there is a teacher whose signal can be recorded.
  var isRecordable: Bool { key != nil }

  /// Two groups where what all of its runs need takes too much space: those runs that need least, as many as fit, and the
  /// others. Itself where it fits, or nothing does.
  /// - Parameters:
  ///   - limit: the bytes below which a recording fits.
  ///   - bytes: what the recording for a group takes.
  func fitting(below limit: Int, _ bytes: (SharedSignal) throws -> Int) rethrows -> [SharedSignal] {
    func with(_ jobs: [Comparison.Job]) -> SharedSignal { SharedSignal(jobs: jobs, key: key) }
    var (small, large) = (jobs, [Comparison.Job]())
    while !small.isEmpty, try bytes(with(small)) >= limit {
      let sizes = try small.map { try bytes(with([$0])) }
      let largest = sizes.max()
      large += zip(small, sizes).filter { $0.1 == largest }.map(\.0)
      small = zip(small, sizes).filter { $0.1 != largest }.map(\.0)
    }
    return small.isEmpty || large.isEmpty ? [self] : [with(small), with(large)]
  }

  /// Whether running the teacher once, for all its runs, is less work than running it in each that is missing.
  /// - Throws: `TensorFileError` for the damaged checkpoint of a run that was stopped.
  func savesTime(for missing: [Comparison.Job]) throws -> Bool {
    guard isRecordable else { return false }
    let live = try missing.reduce(0) { try $0 + $1.settings.training.epochs - $1.folder.epochsDone }
    return (jobs.map(\.settings.distinctEpochs).max() ?? 0) < live
  }

  /// The recording that serves these runs.
  func recording(library: ImageLibrary, runs: URL) -> RecordingRun {
    RecordingRun(
      jobs[0].settings, serving: jobs.map(\.settings), library: library, runs: runs, waitsForOthers: true)
  }
}
