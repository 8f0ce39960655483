// An epoch of a run as its log has it: a line of `metrics.jsonl`.

import Files
import Kindred

/// An epoch's figures, accuracies in percent.
package struct LoggedEpoch: Sendable, Codable, Equatable {
  /// Counted from 1.
  package let epoch: Int
  package let learningRate: Double
  /// Means over the epoch's batches: `loss` is the weighted total, the others are the terms, unweighted.
  package let terms: [String: Double]
  /// On the training batches as augmented, while the network changed.
  package let trainingAccuracyPercent: Double?
  /// Mean over the epoch's steps.
  package let imagesPerSecond: Double
  /// On the evaluation images, in the epochs that evaluate, as the next two.
  package let accuracyPercent: Double?
  package let top5AccuracyPercent: Double?
  package let evaluationLoss: Double?
  /// The same of the moving average of the weights, where one is kept.
  package let averageAccuracyPercent: Double?
  package let averageTop5AccuracyPercent: Double?
  package let averageEvaluationLoss: Double?
  /// The mean norm of the steps' gradients before they were clipped; nil where they are not.
  package let gradientNorm: Double?

  init(_ report: EpochReport) {
    (epoch, learningRate, terms) = (report.epoch, report.learningRate, report.terms)
    (imagesPerSecond, gradientNorm) = (report.imagesPerSecond, report.gradientNorm)
    trainingAccuracyPercent = report.trainingAccuracy.map(Percent.of)
    accuracyPercent = report.accuracy.map(Percent.of)
    top5AccuracyPercent = report.top5Accuracy.map(Percent.of)
    averageAccuracyPercent = report.averageAccuracy.map(Percent.of)
    averageTop5AccuracyPercent = report.averageTop5Accuracy.map(Percent.of)
    (evaluationLoss, averageEvaluationLoss) = (report.evaluationLoss, report.averageEvaluationLoss)
  }
}
