// How well a network classifies a set of images.

import Torch

/// A network's result on a set of labelled inputs.
public struct Evaluation: Sendable, Codable, Equatable {
  /// Right answers among a class's inputs.
  public struct ClassScore: Sendable, Codable, Equatable {
    /// Those that were classified rightly.
    public var correct = 0
    /// All of the class.
    public var count = 0

    /// Between 0 and 1; 0 for a class without inputs.
    public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
  }

  /// The number of inputs.
  public let count: Int
  /// Those whose largest logit is their class's.
  public let correct: Int
  /// Those whose class is among the five with the largest logits.
  public let correctInTop5: Int
  /// By class index.
  public let classes: [ClassScore]
  /// Mean cross-entropy.
  public let loss: Double

  /// Top-1 accuracy, between 0 and 1.
  public var accuracy: Double { Double(correct) / Double(max(count, 1)) }
  /// The share of inputs whose class is among the five with the largest logits.
  public var top5Accuracy: Double { Double(correctInTop5) / Double(max(count, 1)) }
}

/// Counts a network's answers on its device; only reading waits for them.
package final class EvaluationTally {
  // One element for each class.
  private let counts: Tensor
  private let correct: Tensor
  private let correctInTop5: Tensor
  private let lossSum: Tensor

  package init(classCount: Int, device: Device = .cpu) {
    counts = .zeros([classCount], dtype: .int64, device: device)
    correct = .zeros([classCount], dtype: .int64, device: device)
    correctInTop5 = .zeros([classCount], dtype: .int64, device: device)
    lossSum = .zeros([1], dtype: .float64, device: device)
  }

  /// Adds a batch: logits N x classes, labels N.
  package func add(logits: Tensor, labels: Tensor) {
    let top = logits.topIndices(min(5, logits.shape[1]))
    let hits = top.equal(to: labels.unsqueezed(1))
    let classes = Tensor.arange(counts.count, device: labels.device)
    let isOfClass = labels.unsqueezed(1).equal(to: classes)
    counts.addInPlace(isOfClass.sum([0]))
    correct.addInPlace((isOfClass * hits.narrowed(1, 0..<1)).sum([0]))
    correctInTop5.addInPlace((isOfClass * hits.sum([1], keepingAxes: true)).sum([0]))
    lossSum.addInPlace(logits.crossEntropy(labels: labels, mean: false).to(.float64))
  }

  /// What all batches so far came to, those of all processes.
  /// - Throws: `ProcessGroupError`.
  package func evaluation(in group: ProcessGroup = ProcessGroup()) throws -> Evaluation {
    let all = Tensor.stacked([counts, correct, correctInTop5])
    try group.allReduce(all)
    try group.allReduce(lossSum)
    let counts = all.elements(as: Int64.self).map(Int.init)
    let classCount = counts.count / 3
    let classes = (0..<classCount).map { Evaluation.ClassScore(correct: counts[classCount + $0], count: counts[$0]) }
    let count = counts[..<classCount].reduce(0, +)
    return Evaluation(
      count: count, correct: classes.map(\.correct).reduce(0, +),
      correctInTop5: counts[(2 * classCount)...].reduce(0, +), classes: classes,
      loss: lossSum.item / Double(max(count, 1)))
  }
}

extension Network {
  /// Classifies batches in evaluation mode, and goes back to the mode it was in. Inputs without a class do not count.
  /// - Parameters:
  ///   - batches: the inputs; of several processes each has its own.
  ///   - classCount: how many classes there are.
  ///   - group: the processes over which the figures are summed up.
  /// - Throws: what is wrong with the data; `ProcessGroupError`.
  public func evaluation(
    on batches: any BatchIterator, classCount: Int, in group: ProcessGroup = ProcessGroup()
  ) throws -> Evaluation {
    var batches = batches
    let wasTraining = isTraining
    evaluate()
    defer { train(wasTraining) }
    let tally = EvaluationTally(classCount: classCount, device: state.first?.tensor.device ?? .cpu)
    try withoutGradients {
      while let batch = try batches.next() {
        let logits = activations(of: batch.student, .logits).requiredLogits().to(.float32)
        tally.add(logits: logits, labels: batch.requiredLabels())
      }
    }
    return try tally.evaluation(in: group)
  }
}
