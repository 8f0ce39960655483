// The usual loss of classification.

import Torch

/// Cross-entropy of the student's logits with the labels, the mean over the inputs that have one.
///
/// Of mixed inputs it is that of the mixed targets: both parts' cross-entropies, weighted by their shares.
public struct CrossEntropy: DistillationLoss {
  /// The share of each target that all classes have in equal parts, as PyTorch's `label_smoothing`; 0 to 1.
  public var labelSmoothing: Double

  /// With the labels of a batch, as they are unless a smoothing is given.
  public init(labelSmoothing: Double = 0) { self.labelSmoothing = labelSmoothing }

  public var request: ActivationRequest { .logits }
  public var reduction: BatchReduction { .labelledInputs }

  public func callAsFunction(_ step: Step) -> Tensor {
    let logits = step.student.requiredLogits()
    // Of a rank without labels in a step the sum, 0: a mean of nothing is no number.
    let hasLabels = step.batch.part.map { $0.labelled.own > 0 } ?? true
    let larger = logits.crossEntropy(
      labels: step.batch.requiredLabels(), mean: hasLabels, labelSmoothing: labelSmoothing)
    guard let mixing = step.batch.mixing else { return larger }
    let smaller = logits.crossEntropy(labels: mixing.labels, labelSmoothing: labelSmoothing)
    return larger * mixing.share + smaller * (-mixing.share + 1)
  }
}
