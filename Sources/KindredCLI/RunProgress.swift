// Shows a run's events as progress on standard error.

import Foundation
import Kindred
import KindredExperiments
import KindredReport
import Torch

final class RunProgress {
  private let printer: ProgressPrinter?
  /// Whether another process says all of it.
  private var isSilent: Bool { !Membership.isFirst }
  private let checkLine: CheckProgressLine
  private var name: String
  private var last: StepReport?
  /// The last evaluation's.
  private var accuracy: [(String, String)] = []
  private var workload: Workload?

  init(quiet: Bool, name: String = "") {
    printer = quiet ? nil : ProgressPrinter()
    checkLine = CheckProgressLine(quiet: quiet, of: "batches")
    self.name = name
  }

  func begin(_ name: String) {
    self.name = name
    (last, accuracy) = (nil, [])
  }

  /// What follows is a part of a larger work.
  func begin(_ name: String, _ part: Comparison.Part) {
    begin(name)
    workload = workload ?? Workload()
    workload?.part = part
  }

  func message(_ text: String) {
    if !isSilent { printer?.message(text) }
  }

  func finish() { printer?.finish() }

  /// Says so, to whoever sits before a terminal, where other programs take the cores that a run with so many threads wants; 0
  /// for the usual number.
  func remarkOnCores(_ threads: Int) {
    guard printer?.isTerminal == true,
      let remark = Threads.remark(wanting: threads > 0 ? threads : Runtime.usualThreadCount())
    else {
      return
    }
    message(remark)
  }

  /// - Throws: `NonFiniteLoss` where the loss to be shown is not finite.
  func show(_ event: RunEvent) throws {
    guard !isSilent else { return }
    switch event {
    case .waiting: message("\(prefix)another process is working on this run; waiting for it")
    case .resumed(let epochs): message("\(prefix)resumed after epoch \(epochs)")
    case .quantized(let cost): message("\(prefix)\(cost)")
    case .calibrated(let found):
      message(
        "\(prefix)weight of \(found.term): \(Format.value(found.weight)) (\(Format.value(found.fraction)) of the pull of "
          + "\(found.reference))")
    case .endedEarly(let best, let evaluations):
      message(
        "\(prefix)ended: no better accuracy than epoch \(best.epoch)'s \(Format.percent(best.accuracy, places: 2)) for "
          + "\(evaluations) evaluations")
    case .training(.warning(let warning)): warn(warning)
    case .training(.step(let step)):
      last = step
      try printer?.step(status(step)) { accuracy + [("loss", Format.value(try step.loss()))] }
    case .training(.epoch(let report)):
      guard let last else { return }
      let measured = [("accuracy", report.accuracy), ("ema", report.averageAccuracy)].compactMap { name, value in
        value.map { (name, Format.percent($0, places: 2)) }
      }
      if !measured.isEmpty { accuracy = measured }
      printer?.epoch(status(last, values: measured + [("loss", Format.value(report.terms["loss"] ?? .nan))]))
    }
  }

  func show(_ event: RecordingRun.Event) {
    switch event {
    case .waiting: message("\(prefix)another process is recording this teacher; waiting for it")
    case .warning(let warning): warn(warning)
    case .quantized(let cost): message("\(prefix)\(cost)")
    case .checking(let done, let total):
      checkLine.show(done, of: total)
      if done == total { checkLine.finish() }
    case .damaged(let what):
      checkLine.finish()
      warn(what)
    case .began(let size): message("\(prefix)\(words(size))")
    case .batch(let step):
      var status = TrainingStatus(
        name: name, epoch: step.position.epoch + 1, epochs: step.epochs, step: step.position.batch + 1,
        stepsPerEpoch: step.batchesPerEpoch, imagesPerSecond: step.imagesPerSecond)
      status.share = step.share.map { ($0.batchesDone, $0.batches) }
      let isEnd = status.share.map { $0.done == $0.total } ?? (status.step == status.stepsPerEpoch)
      if isEnd { printer?.epoch(status) } else { printer?.step(status) }
    }
  }

  private func words(_ size: RecordingRun.Size) -> String {
    let done = size.share == nil ? size.batchesDone : 0
    let batches = done == 0 ? "\(size.batches) batches" : "\(done) of \(size.batches) batches done"
    let all = "\(size.epochs) epochs, \(batches), \(Format.bytes(size.bytes)) in all"
    guard let share = size.share else { return all }
    return all + "; part \(share.part.number) of \(share.part.count) has \(share.batches) of them"
      + (share.batchesDone == 0 ? "" : ", \(share.batchesDone) done")
  }

  /// Said in any case: it is no progress.
  private func warn(_ warning: String) {
    let line = "\(prefix)warning: \(warning)"
    if let printer { printer.message(line) } else { note(line) }
  }

  private var prefix: String { name.isEmpty ? "" : "\(name): " }

  private func status(_ step: StepReport, values: [(String, String)] = []) -> TrainingStatus {
    var status = TrainingStatus(
      name: name, epoch: step.position.epoch + 1, epochs: step.epochs, step: step.position.batch + 1,
      stepsPerEpoch: step.batchesPerEpoch, imagesPerSecond: step.imagesPerSecond,
      values: values.map { (name: $0.0, text: $0.1) })
    status.secondsLeftOfAll = workload?.secondsLeft(Double(status.stepsDone) / Double(max(status.stepsInAll, 1)))
    return status
  }
}

/// How long all runs of a comparison take together, from how long what is done of them took.
private struct Workload {
  var part = Comparison.Part(before: 0, size: 1, total: 1) { didSet { begin = begin ?? (.now, part.before) } }
  private var begin: (time: ContinuousClock.Instant, done: Double)?

  /// nil where one run is all, and before there is something to tell by.
  func secondsLeft(_ fraction: Double) -> Double? {
    guard let begin, part.size < part.total else { return nil }
    let done = part.before + part.size * fraction
    let elapsed = (.now - begin.time) / .seconds(1)
    guard elapsed > 3, done > begin.done else { return nil }
    return elapsed / (done - begin.done) * (part.total - done)
  }
}
