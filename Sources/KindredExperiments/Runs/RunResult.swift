// What a finished run came to, as `result.json` keeps it.

import Kindred

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
