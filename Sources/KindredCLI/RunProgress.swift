// Shows a run's events as progress on standard error.

import Foundation
import Kindred
import KindredExperiments
import KindredReport

final class RunProgress {
  private let printer: ProgressPrinter?
  private var name: String
  private var last: StepReport?

  init(quiet: Bool, name: String = "") {
    printer = quiet ? nil : ProgressPrinter()
    self.name = name
  }

  func begin(_ name: String) {
    self.name = name
    last = nil
  }

  func message(_ text: String) { printer?.message(text) }

  func finish() { printer?.finish() }

  /// - Throws: `NonFiniteLoss` where the loss to be shown is not finite.
  func show(_ event: RunEvent) throws {
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
    case .began(let size):
      let batches =
        size.batchesDone == 0 ? "\(size.batches) batches" : "\(size.batchesDone) of \(size.batches) batches done"
      message("\(prefix)\(size.epochs) epochs, \(batches), \(Format.bytes(size.bytes)) in all")
    case .batch(let step):
      let status = TrainingStatus(
        name: name, epoch: step.position.epoch + 1, epochs: step.epochs, step: step.position.batch + 1,
        stepsPerEpoch: step.batchesPerEpoch, imagesPerSecond: step.imagesPerSecond)
      if status.step == status.stepsPerEpoch { printer?.epoch(status) } else { printer?.step(status) }
    }
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
