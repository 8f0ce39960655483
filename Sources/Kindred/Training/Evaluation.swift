// How well a network classifies a set of images.

import Torch

/// A network's result on a set of labelled inputs.
public struct Evaluation: Sendable, Codable, Equatable {
  /// Right answers among a class's inputs.
  public struct ClassScore: Sendable, Codable, Equatable {
    public var correct = 0
    public var count = 0

    /// Between 0 and 1; 0 for a class without inputs.
    public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
  }

  public private(set) var count = 0
  public private(set) var correct = 0
  public private(set) var correctInTop5 = 0
  /// By class index.
  public private(set) var classes: [ClassScore]
  private var lossSum = 0.0

  public init(classCount: Int) { classes = Array(repeating: ClassScore(), count: classCount) }

  /// Top-1 accuracy, between 0 and 1.
  public var accuracy: Double { Double(correct) / Double(max(count, 1)) }
  /// The share of inputs whose class is among the five with the largest logits.
  public var top5Accuracy: Double { Double(correctInTop5) / Double(max(count, 1)) }
  /// Mean cross-entropy.
  public var loss: Double { lossSum / Double(max(count, 1)) }

  /// Adds a batch: logits N x classes, labels N.
  public mutating func add(logits: Tensor, labels: Tensor) {
    let answers = logits.topIndices(min(5, logits.shape[1])).elements(as: Int64.self)
    let width = min(5, logits.shape[1])
    for (row, label) in labels.elements(as: Int64.self).enumerated() {
      let top = answers[(row * width)..<((row + 1) * width)]
      let isCorrect = top.first == label
      count += 1
      correct += isCorrect ? 1 : 0
      correctInTop5 += top.contains(label) ? 1 : 0
      classes[Int(label)].count += 1
      classes[Int(label)].correct += isCorrect ? 1 : 0
    }
    lossSum += logits.crossEntropy(labels: labels, mean: false).item
  }
}

extension Network {
  /// Classifies batches in evaluation mode, and goes back to the mode it was in.
  public func evaluation(on batches: some Sequence<Batch>, classCount: Int) -> Evaluation {
    let wasTraining = isTraining
    evaluate()
    defer { train(wasTraining) }
    var evaluation = Evaluation(classCount: classCount)
    withoutGradients {
      for batch in batches {
        let logits = activations(of: batch.images, .logits).requiredLogits().to(.float32)
        evaluation.add(logits: logits, labels: batch.labels)
      }
    }
    return evaluation
  }
}
