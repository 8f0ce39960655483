// How far a run has come, and what it reports on the way.

import Torch

/// Where a run stands and what it has summed up in the current epoch. Part of every checkpoint.
///
/// The position is always that of the next step; the sums are those of the last reading, which every checkpoint, stop
/// and epoch's end begins with.
public struct TrainingProgress: Sendable, Codable, Equatable {
  /// The next batch.
  public var position = BatchPosition()
  /// Sums over the current epoch's batches, by term; `loss` is the weighted total.
  var sums: [String: Double] = [:]
  var correct = 0
  var images = 0
  /// Seconds spent in the current epoch's steps, over all the processes that worked on it.
  var seconds = 0.0
  /// The sum of the norms of the current epoch's gradients; nil where they are not clipped.
  var gradientNorms: Double?
  /// The best evaluation of all epochs so far; nil before the first.
  public internal(set) var best: BestEvaluation?

  package init() {}

  /// Whether a run can stand there; a checkpoint may come from anybody.
  var isPossible: Bool {
    [position.epoch, position.batch, correct, images, best?.evaluationsSince ?? 0]
      .allSatisfy { (0...Int(Int32.max)).contains($0) }
  }

  mutating func startNextEpoch() {
    let (next, best) = (position.epoch + 1, best)
    self = TrainingProgress()
    position = BatchPosition(epoch: next)
    self.best = best
  }
}

/// One batch that was trained on. Where gradients are accumulated, several of them make a step of the optimiser.
public struct StepReport {
  /// The batch.
  public let position: BatchPosition
  /// The number of batches in an epoch.
  public let batchesPerEpoch: Int
  /// The number of epochs in the run.
  public let epochs: Int
  /// Mean over this epoch so far, in images a second.
  public let imagesPerSecond: Double
  let readLoss: () throws -> Double

  /// The weighted total of the last step that was taken. A CUDA device is waited for, so ask only when it is shown.
  /// - Throws: `NonFiniteLoss` where one of the epoch's losses so far is not finite.
  public func loss() throws -> Double { try readLoss() }
}

/// An epoch's figures.
public struct EpochReport: Sendable, Equatable {
  /// Counted from 1.
  public let epoch: Int
  /// The epoch's learning rate.
  public let learningRate: Double
  /// Means over the epoch's batches: `loss` is the weighted total, the others are the terms, unweighted.
  public let terms: [String: Double]
  /// On the training batches as augmented, while the network changed; between 0 and 1.
  public let trainingAccuracy: Double?
  /// Mean over the epoch's steps.
  public let imagesPerSecond: Double
  /// On the evaluation set, in the epochs that evaluate.
  public let accuracy: Double?
  /// The share whose class is among the five with the largest logits, as `accuracy`.
  public let top5Accuracy: Double?
  /// Mean cross-entropy on the evaluation set, as `accuracy`.
  public let evaluationLoss: Double?
  /// `accuracy` of the moving average of the weights, where one is kept.
  public let averageAccuracy: Double?
  /// `top5Accuracy` of the moving average.
  public let averageTop5Accuracy: Double?
  /// `evaluationLoss` of the moving average.
  public let averageEvaluationLoss: Double?
  /// The mean norm of the steps' gradients before they were clipped; nil where they are not.
  public let gradientNorm: Double?
}

/// What a run says while it goes on.
public enum TrainingEvent {
  /// Something that may not be meant, in one line; said before the first step.
  case warning(String)
  case step(StepReport)
  case epoch(EpochReport)
}

/// A loss that is infinite or not a number.
///
/// On the CPU it is noticed before the step changes anything. On a CUDA device, which no step waits for, it is noticed
/// at the next reading, and in any case before a checkpoint is written or an epoch is reported.
public struct NonFiniteLoss: Error, CustomStringConvertible, Sendable {
  /// Epoch and batch, counted from 0.
  public let position: BatchPosition
  /// The first term that is not finite.
  public let term: String
  /// What it was: NaN or infinite.
  public let value: Double

  public var description: String {
    "the loss is not finite in epoch \(position.epoch + 1), step \(position.batch + 1): '\(term)' is \(value.printed)"
  }
}
