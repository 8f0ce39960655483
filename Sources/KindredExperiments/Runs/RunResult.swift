// What a finished run came to, as `result.json` keeps it.

import Files
import Kindred
import KindredVision
import Torch

/// A finished run's figures. Accuracies are those of the last epoch.
package struct RunResult: Sendable, Codable, Equatable {
  /// What an evaluation came to.
  package struct Figures: Sendable, Codable, Equatable {
    package let accuracyPercent: Double
    package let top5AccuracyPercent: Double
    package let loss: Double
  }

  /// The best of all evaluations.
  package struct Best: Sendable, Codable, Equatable {
    /// After which it was, counted from 1.
    package let epoch: Int
    package let accuracyPercent: Double
    /// Whether it is the accuracy of the weights' moving average.
    package let isAverage: Bool
    /// The evaluations since then, none of which was better.
    package let evaluationsSince: Int
  }

  package let name: String
  package let network: String
  package let teacher: String?
  /// What int8 cost, for a teacher that worked in it.
  package let quantization: QuantizationCost?
  /// The data set and the part of it that the accuracy belongs to, such as `cifar-10 test`.
  /// nil where nothing was measured, as no image had a class; like accuracies and loss.
  package let evaluatedOn: String?
  package let images: Int
  /// How many images it was trained on, those without a class among them.
  package let trainingImages: Int
  /// How many training images were kept away from training.
  package let heldOutImages: Int
  package let seed: UInt64
  package let planSeed: UInt64
  /// Those that were trained: fewer than the configuration's where the run ended early.
  package let epochs: Int
  package let accuracyPercent: Double?
  package let top5AccuracyPercent: Double?
  package let loss: Double?
  /// The same of the moving average of the weights, where one was kept.
  package let average: Figures?
  /// nil where nothing was measured.
  package let best: Best?
  package let parameters: Int
  package let multiplyAdds: Int
  /// The weights of the losses as they were used, by method.
  package let lossWeights: [String: Double]
  /// When it was first started and when it was finished, as `2026-11-27T01:28:00Z`.
  package let began: String
  package let ended: String
  /// What it took without the pauses between its starts, and without what was lost with a process that was killed.
  package let seconds: Double
  /// The mean of the epochs' training speeds.
  package let imagesPerSecond: Double
  /// In how many processes it was trained; nil for runs of versions that knew one.
  package let processes: Int?
  /// The losses that related the images of each process alone; nil where there are none.
  package let localRelations: [String]?
  package let libtorch: String
  package let version: String
  /// Where it ran, and what the process took; nil for runs of versions that did not say, like what was warned of.
  package let machine: Machine?
  /// The largest memory of the process that trained it, in bytes; of a comparison, with all it had done before.
  package let peakMemory: Int?
  /// What was warned of since the run was started last, a line each.
  package let warnings: [String]?
}

extension RunResult {
  init(
    _ settings: Configuration, _ work: RunWork, _ measured: StudentEvaluation?, _ progress: TrainingProgress,
    epochs: [LoggedEpoch], clock: RunClock, warnings: [String]
  ) {
    let evaluation = measured?.student
    let network = settings.student.network
    self.init(
      name: settings.name, network: network.name, teacher: work.teacherName, quantization: work.quantizationCost,
      evaluatedOn: measured.map { _ in "\(settings.data.name) \(settings.data.evaluateOn.rawValue)" },
      images: evaluation?.count ?? 0,
      trainingImages: work.trainingImages, heldOutImages: settings.data.heldOutImages,
      seed: settings.training.seed, planSeed: settings.planSeed,
      epochs: progress.position.epoch, accuracyPercent: (evaluation?.accuracy).map(Percent.of),
      top5AccuracyPercent: (evaluation?.top5Accuracy).map(Percent.of), loss: evaluation?.loss,
      average: measured?.average.map { Figures($0) }, best: progress.best.map { Best($0) },
      parameters: work.cost.parameters, multiplyAdds: work.cost.multiplyAdds,
      lossWeights: settings.losses.weights, began: clock.began, ended: clock.now, seconds: clock.seconds,
      imagesPerSecond: epochs.map(\.imagesPerSecond).reduce(0, +) / Double(max(epochs.count, 1)),
      processes: work.processes, localRelations: work.localRelations.isEmpty ? nil : work.localRelations,
      libtorch: Runtime.version, version: kindredVersion, machine: Machine(device: settings.device),
      peakMemory: Machine.peakMemory, warnings: warnings)
  }
}

extension RunResult {
  /// Whether the moving average of the weights was better in the last evaluation.
  package var isAverageBetter: Bool { (average?.accuracyPercent ?? 0) > (accuracyPercent ?? 0) }
}

extension RunResult.Figures {
  fileprivate init(_ evaluation: Evaluation) {
    self.init(
      accuracyPercent: Percent.of(evaluation.accuracy), top5AccuracyPercent: Percent.of(evaluation.top5Accuracy),
      loss: evaluation.loss)
  }
}

extension RunResult.Best {
  init(_ best: BestEvaluation) {
    self.init(
      epoch: best.epoch, accuracyPercent: Percent.of(best.accuracy), isAverage: best.isAverage,
      evaluationsSince: best.evaluationsSince)
  }
}
