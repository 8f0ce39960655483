// The usual loss of classification.

import Torch

/// Cross-entropy of the student's logits with the labels, the mean over the inputs that have one.
public struct CrossEntropy: DistillationLoss {
  /// With the labels of a batch.
  public init() {}

  public var request: ActivationRequest { .logits }

  public func callAsFunction(_ step: Step) -> Tensor {
    step.student.requiredLogits().crossEntropy(labels: step.batch.requiredLabels())
  }
}
