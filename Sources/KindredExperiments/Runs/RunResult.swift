// What a finished run came to, as `result.json` keeps it.

import Kindred
import KindredVision
import Torch

/// A finished run's figures. Accuracies are those of the last epoch, between 0 and 1.
package struct RunResult: Sendable, Codable, Equatable {
  package let name: String
  package let network: String
  package let teacher: String?
  /// What int8 cost, for a teacher that worked in it.
  package let quantization: QuantizationCost?
  /// The data set and the part of it that the accuracy belongs to, such as `cifar-10 test`.
  package let evaluatedOn: String
  package let images: Int
  package let seed: UInt64
  package let planSeed: UInt64
  package let epochs: Int
  package let accuracy: Double
  package let top5Accuracy: Double
  package let loss: Double
  package let parameters: Int
  package let multiplyAdds: Int
  /// The weights of the losses as they were used, by method.
  package let lossWeights: [String: Double]
  /// The mean of the epochs' training speeds.
  package let imagesPerSecond: Double
  package let libtorch: String
  package let version: String
}

extension RunResult {
  init(_ settings: Configuration, _ work: RunWork, _ evaluation: Evaluation, epochs: [EpochReport]) {
    let network = settings.student.network
    self.init(
      name: settings.name, network: network.name, teacher: work.teacherName, quantization: work.quantizationCost,
      evaluatedOn: "\(settings.data.name) \(settings.data.evaluateOn.rawValue)", images: evaluation.count,
      seed: settings.training.seed, planSeed: settings.planSeed,
      epochs: settings.training.epochs, accuracy: evaluation.accuracy, top5Accuracy: evaluation.top5Accuracy,
      loss: evaluation.loss, parameters: work.cost.parameters, multiplyAdds: work.cost.multiplyAdds,
      lossWeights: settings.losses.weights,
      imagesPerSecond: epochs.map(\.imagesPerSecond).reduce(0, +) / Double(max(epochs.count, 1)),
      libtorch: Runtime.version, version: kindredVersion)
  }
}
