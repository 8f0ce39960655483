// A run's curves for TensorBoard: what its metrics log holds, and the loss within an epoch.

import Files
import Foundation
import Kindred
import KindredReport

/// Writes what a run reports into its folder's `tensorboard/`. A step is a batch, counted from 1 through all epochs.
final class TensorBoardLog {
  /// How many losses of single batches an epoch has at most.
  private static let lossesPerEpoch = 100

  private let folder: RunFolder
  private let file: EventFile
  private let batchesPerEpoch: Int

  /// Goes on where a run does.
  /// - Parameters:
  ///   - position: the run's next batch.
  ///   - reports: the epochs that the run has behind it, written as well where no start before this one has.
  /// - Throws: `RunError`.
  init(_ folder: RunFolder, from position: BatchPosition, batchesPerEpoch: Int, before reports: [LoggedEpoch]) throws {
    (self.folder, self.batchesPerEpoch) = (folder, batchesPerEpoch)
    let isFirst = EventFile.all(in: folder.tensorBoard).isEmpty
    let next = position.epoch * batchesPerEpoch + position.batch + 1
    file = try Self.explained(folder) { () throws(SystemError) in
      try EventFile(in: folder.tensorBoard, from: isFirst ? 1 : next)
    }
    for report in isFirst ? reports : [] { try append(report) }
  }

  /// An epoch's figures.
  /// - Throws: `RunError`.
  func append(_ report: LoggedEpoch) throws { try append(report.curves, step: report.epoch * batchesPerEpoch) }

  /// The loss of a batch, of some in each epoch.
  /// - Throws: `RunError`; `NonFiniteLoss`.
  func append(_ report: StepReport) throws {
    let number = report.position.batch + 1
    guard number.isMultiple(of: (batchesPerEpoch - 1) / Self.lossesPerEpoch + 1) else { return }
    try append(
      ["batch/loss": try report.loss()], step: report.position.epoch * batchesPerEpoch + number)
  }

  private func append(_ scalars: [String: Double], step: Int) throws {
    try Self.explained(folder) { () throws(SystemError) in try file.append(scalars, step: step) }
  }

  private static func explained<Result>(_ folder: RunFolder, _ work: () throws(SystemError) -> Result) throws -> Result
  {
    do throws(SystemError) {
      return try work()
    } catch {
      throw RunError("\(folder.tensorBoard.displayName) cannot be written: \(error)")
    }
  }
}

extension LoggedEpoch {
  /// Its figures by TensorBoard's tags.
  fileprivate var curves: [String: Double] {
    let terms = Dictionary(uniqueKeysWithValues: self.terms.map { ("train/\($0.key)", $0.value) })
    let others: [String: Double?] = [
      "epoch": Double(epoch), "train/learning_rate": learningRate, "train/images_per_second": imagesPerSecond,
      "train/accuracy_percent": trainingAccuracyPercent, "train/gradient_norm": gradientNorm,
      "evaluation/accuracy_percent": accuracyPercent, "evaluation/top5_accuracy_percent": top5AccuracyPercent,
      "evaluation/loss": evaluationLoss, "evaluation_ema/accuracy_percent": averageAccuracyPercent,
      "evaluation_ema/top5_accuracy_percent": averageTop5AccuracyPercent,
      "evaluation_ema/loss": averageEvaluationLoss,
    ]
    return terms.merging(others.compactMapValues(\.self)) { $1 }
  }
}
