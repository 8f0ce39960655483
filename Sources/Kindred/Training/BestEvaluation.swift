// The best that a run has come to, and when it is to end for want of better.

/// What an evaluation measures: the student, and the moving average of its weights where one is kept.
public struct StudentEvaluation: Sendable, Equatable {
  public let student: Evaluation
  public let average: Evaluation?

  /// Whether the average's accuracy is above the student's.
  public var isAverageBetter: Bool { average.map { $0.accuracy > student.accuracy } ?? false }

  /// The higher of both accuracies.
  public var accuracy: Double { max(student.accuracy, average?.accuracy ?? 0) }
}

/// The evaluation with the highest accuracy so far, the first of several.
public struct BestEvaluation: Sendable, Codable, Equatable {
  /// Counted from 1.
  public let epoch: Int
  /// Between 0 and 1.
  public let accuracy: Double
  /// Whether it is the accuracy of the weights' moving average.
  public let isAverage: Bool
  /// The evaluations since then, none of which was better.
  public internal(set) var evaluationsSince = 0

  init(_ evaluation: StudentEvaluation, epoch: Int) {
    self.epoch = epoch
    accuracy = evaluation.accuracy
    isAverage = evaluation.isAverageBetter
  }

  /// The best after one more evaluation.
  static func best(_ former: BestEvaluation?, _ evaluation: StudentEvaluation, epoch: Int) -> BestEvaluation {
    guard var former, evaluation.accuracy <= former.accuracy else { return BestEvaluation(evaluation, epoch: epoch) }
    former.evaluationsSince += 1
    return former
  }
}
