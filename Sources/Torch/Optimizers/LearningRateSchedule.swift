// The learning rate as a function of the epoch.

import Foundation

/// The learning rate in each epoch (counted from 0): a pure function, so that a resumed run needs no state for it.
public struct LearningRateSchedule: Sendable, Equatable {
  /// How the rate changes over a run.
  public enum Shape: Sendable, Equatable {
    /// The base rate throughout.
    case constant
    /// Multiplied by `factor` at each milestone epoch, PyTorch's `MultiStepLR`.
    case step(milestones: [Int], factor: Double)
    /// From the base rate down to `minimum`, a rate, along half a cosine, PyTorch's `CosineAnnealingLR`.
    case cosine(minimum: Double)
  }

  /// How the rate changes, once it is warm.
  public var shape: Shape
  /// Epochs over which the rate climbs in equal steps to the shape's: epoch e has (e + 1) / (warmUpEpochs + 1) of it.
  public var warmUpEpochs: Int

  /// A schedule of a shape.
  public init(_ shape: Shape, warmUpEpochs: Int = 0) {
    self.shape = shape
    self.warmUpEpochs = warmUpEpochs
  }

  /// A fifth after 30, 60 and 80 % of the epochs: the paper's 60, 120 and 160 when there are 200.
  public static func usual(epochs: Int) -> LearningRateSchedule {
    LearningRateSchedule(.step(milestones: usualMilestones(epochs: epochs), factor: 0.2))
  }

  package static func usualMilestones(epochs: Int) -> [Int] {
    [0.3, 0.6, 0.8].map { Int((Double(epochs) * $0).rounded()) }.reduce(into: []) { milestones, epoch in
      if epoch > milestones.last ?? 0 { milestones.append(epoch) }
    }
  }

  /// The rate in `epoch` of a run of `epochs` that starts from `base`.
  public func learningRate(_ base: Double, epoch: Int, of epochs: Int) -> Double {
    let warmUp = epoch < warmUpEpochs ? Double(epoch + 1) / Double(warmUpEpochs + 1) : 1
    return base * (warmUp * shapeFactor(base, epoch: epoch, of: epochs))
  }

  private func shapeFactor(_ base: Double, epoch: Int, of epochs: Int) -> Double {
    switch shape {
    case .constant: return 1
    case .step(let milestones, let factor):
      return pow(factor, Double(milestones.filter { epoch >= $0 }.count))
    case .cosine(let lowest):
      let minimum = lowest / base
      let progress = Double(epoch) / Double(max(epochs, 1))
      return minimum + (1 - minimum) * (1 + cos(.pi * progress)) / 2
    }
  }
}
