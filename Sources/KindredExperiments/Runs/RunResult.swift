// What a finished run came to, as `result.json` keeps it.

import Kindred
import KindredVision
import Torch

/// A finished run's figures. Accuracies are those of the last epoch, between 0 and 1.
package struct RunResult: Sendable, Codable, Equatable {
  /// What an evaluation came to.
  package struct Figures: Sendable, Codable, Equatable {
    package let accuracy: Double
    package let top5Accuracy: Double
    package let loss: Double
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
  package let seed: UInt64
  package let planSeed: UInt64
  /// Those that were trained: fewer than the configuration's where the run ended early.
  package let epochs: Int
  package let accuracy: Double?
  package let top5Accuracy: Double?
  package let loss: Double?
  /// The same of the moving average of the weights, where one was kept.
  package let average: Figures?
  /// The best evaluation; nil for runs of versions that kept none.
  package let best: BestEvaluation?
  package let parameters: Int
  package let multiplyAdds: Int
  /// The weights of the losses as they were used, by method.
  package let lossWeights: [String: Double]
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
    epochs: [EpochReport], warnings: [String]
  ) {
    let evaluation = measured?.student
    let network = settings.student.network
    self.init(
      name: settings.name, network: network.name, teacher: work.teacherName, quantization: work.quantizationCost,
      evaluatedOn: measured.map { _ in "\(settings.data.name) \(settings.data.evaluateOn.rawValue)" },
      images: evaluation?.count ?? 0,
      seed: settings.training.seed, planSeed: settings.planSeed,
      epochs: progress.position.epoch, accuracy: evaluation?.accuracy, top5Accuracy: evaluation?.top5Accuracy,
      loss: evaluation?.loss, average: measured?.average.map { Figures($0) }, best: progress.best,
      parameters: work.cost.parameters, multiplyAdds: work.cost.multiplyAdds,
      lossWeights: settings.losses.weights,
      imagesPerSecond: epochs.map(\.imagesPerSecond).reduce(0, +) / Double(max(epochs.count, 1)),
      processes: work.processes, localRelations: work.localRelations.isEmpty ? nil : work.localRelations,
      libtorch: Runtime.version, version: kindredVersion, machine: Machine(device: settings.device),
      peakMemory: Machine.peakMemory, warnings: warnings)
  }
}

extension RunResult {
  /// Whether the moving average of the weights was better in the last evaluation.
  package var isAverageBetter: Bool { (average?.accuracy ?? 0) > (accuracy ?? 0) }
}

extension RunResult.Figures {
  fileprivate init(_ evaluation: Evaluation) {
    self.init(accuracy: evaluation.accuracy, top5Accuracy: evaluation.top5Accuracy, loss: evaluation.loss)
  }
}
