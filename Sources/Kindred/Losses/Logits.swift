// What losses on logits share: divergences input by input, and the classes beside the target.

import Torch

extension Tensor {
  /// KL(softmax(teacher) || softmax(self)) of each row of logits (b x classes): b.
  func divergence(from teacher: Tensor) -> Tensor {
    // Any finite logarithm whose exponential is 0: 0 * -infinity would not be a number.
    let target = teacher.logSoftmax(1).clamped(minimum: -1e4)
    return (target.exp() * (target - logSoftmax(1))).sum([1])
  }

  /// The cross-entropy of softmax(self) with softmax(teacher) of each row of logits (b x classes): b.
  func softCrossEntropy(with teacher: Tensor) -> Tensor { -(teacher.softmax(1) * logSoftmax(1)).sum([1]) }
}

/// The classes of a batch's inputs, as losses on logits use them. An input without a class counts for nothing.
struct Targets {
  /// b x classes, bool.
  private let isTarget: Tensor
  /// b: of n inputs with a class each has 1/n.
  private let share: Tensor

  /// - Parameters:
  ///   - labels: b, int64; -1 for an input without a class.
  ///   - logits: b x classes.
  init(_ labels: Tensor, of logits: Tensor) {
    let classes = Tensor.arange(logits.shape[1], device: logits.device)
    isTarget = labels.unsqueezed(1).equal(to: classes.unsqueezed(0))
    let isLabelled = labels.greater(than: -1).to(logits.dtype)
    share = isLabelled / isLabelled.sum().clamped(minimum: 1)
  }

  /// The mean of b numbers over the inputs that have a class.
  func mean(_ values: Tensor) -> Tensor { (values * share).sum() }

  /// The entries of b x classes at the target: b.
  func own(_ scores: Tensor) -> Tensor { Tensor.where(isTarget, scores, scores.constant(0)).sum([1]) }

  /// Logits (b x classes) among which the target's has no probability.
  ///
  /// It is finite, since 0 * infinity is no number, and so far below all logits that its softmax is 0.
  func others(_ logits: Tensor) -> Tensor { Tensor.where(isTarget, logits.constant(-1e30), logits) }
}
