// Shows a run's events as progress on standard error.

import Foundation
import Kindred
import KindredExperiments
import KindredReport

final class RunProgress {
  private let printer: ProgressPrinter?
  /// Whether another process says all of it.
  private var isSilent: Bool { !Membership.isFirst }
  private let checkLine: CheckProgressLine
  private var name: String
  private var last: StepReport?

  init(quiet: Bool, name: String = "") {
    printer = quiet ? nil : ProgressPrinter()
    checkLine = CheckProgressLine(quiet: quiet, of: "batches")
    self.name = name
  }

  func begin(_ name: String) {
    self.name = name
    last = nil
  }

  func message(_ text: String) {
    if !isSilent { printer?.message(text) }
  }

  func finish() { printer?.finish() }

  /// - Throws: `NonFiniteLoss` where the loss to be shown is not finite.
  func show(_ event: RunEvent) throws {
    guard !isSilent else { return }
    switch event {
    case .waiting: message("\(prefix)another process is working on this run; waiting for it")
    case .resumed(let epochs): message("\(prefix)resumed after epoch \(epochs)")
    case .quantized(let cost): message("\(prefix)\(cost)")
    case .calibrated(let method, let weight, let fraction):
      message(
        "\(prefix)weight of \(method): \(Format.value(weight)) (\(Format.value(fraction)) of cross-entropy's pull)")
    case .endedEarly(let best, let evaluations):
      message(
        "\(prefix)ended: no better accuracy than epoch \(best.epoch)'s \(Format.percent(best.accuracy, places: 2)) for "
          + "\(evaluations) evaluations")
    case .training(.warning(let warning)): warn(warning)
    case .training(.step(let step)):
      last = step
      try printer?.step(status(step)) { [("loss", Format.value(try step.loss()))] }
    case .training(.epoch(let report)):
      guard let last else { return }
      var values = [("loss", Format.value(report.terms["loss"] ?? .nan))]
      if let accuracy = report.accuracy { values.append(("accuracy", Format.percent(accuracy, places: 2))) }
      if let average = report.averageAccuracy { values.append(("ema", Format.percent(average, places: 2))) }
      printer?.epoch(status(last, values: values))
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
    TrainingStatus(
      name: name, epoch: step.position.epoch + 1, epochs: step.epochs, step: step.position.batch + 1,
      stepsPerEpoch: step.batchesPerEpoch, imagesPerSecond: step.imagesPerSecond,
      values: values.map { (name: $0.0, text: $0.1) })
  }
}
