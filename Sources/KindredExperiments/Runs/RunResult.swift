// What a finished run came to, as `result.json` keeps it.

import Kindred
import KindredVision
import Torch

/// A finished run's figures. Accuracies are those of the last epoch, between 0 and 1.
public struct RunResult: Sendable, Codable, Equatable {
  public let name: String
  public let network: String
  public let teacher: String?
  /// What int8 cost, for a teacher that worked in it.
  public let quantization: QuantizationCost?
  /// The data set and the part of it that the accuracy belongs to, such as `cifar-10 test`.
  public let evaluatedOn: String
  public let images: Int
  public let seed: UInt64
  public let planSeed: UInt64
  public let epochs: Int
  public let accuracy: Double
  public let top5Accuracy: Double
  public let loss: Double
  public let parameters: Int
  public let multiplyAdds: Int
  /// The weights of the losses as they were used, by method.
  public let lossWeights: [String: Double]
  /// The mean of the epochs' training speeds.
  public let imagesPerSecond: Double
  public let libtorch: String
  public let version: String
}

extension RunResult {
  init(_ settings: Configuration, _ work: RunWork, _ evaluation: Evaluation, epochs: [EpochReport]) {
    let network = settings.student.network
    self.init(
      name: settings.name, network: network.name, teacher: work.teacherName, quantization: work.quantizationCost,
      evaluatedOn: "\(settings.data.set.rawValue) \(settings.data.evaluateOn.rawValue)", images: evaluation.count,
      seed: settings.training.seed, planSeed: settings.planSeed,
      epochs: settings.training.epochs, accuracy: evaluation.accuracy, top5Accuracy: evaluation.top5Accuracy,
      loss: evaluation.loss, parameters: work.cost.parameters, multiplyAdds: work.cost.multiplyAdds,
      lossWeights: settings.losses.weights,
      imagesPerSecond: epochs.map(\.imagesPerSecond).reduce(0, +) / Double(max(epochs.count, 1)),
      libtorch: Runtime.version, version: kindredVersion)
  }
}
