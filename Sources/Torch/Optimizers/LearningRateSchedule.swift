// The learning rate as a function of the epoch.

import Foundation

/// The factor of the base learning rate in each epoch (counted from 0): a pure function, so that a resumed run needs no
/// state for it.
public struct LearningRateSchedule: Sendable, Equatable {
  public enum Shape: Sendable, Equatable {
    case constant
    /// Multiplied by `factor` at each milestone epoch, PyTorch's `MultiStepLR`.
    case step(milestones: [Int], factor: Double)
    /// From the base rate down to `minimum` (a share of it) along half a cosine, PyTorch's `CosineAnnealingLR`.
    case cosine(minimum: Double)
  }

  public var shape: Shape
  /// Epochs over which the rate climbs in equal steps to the shape's: epoch e has (e + 1) / (warmUpEpochs + 1) of it.
  public var warmUpEpochs: Int

  public init(_ shape: Shape, warmUpEpochs: Int = 0) {
    self.shape = shape
    self.warmUpEpochs = warmUpEpochs
  }

  /// The factor in `epoch` of a run of `epochs`.
  public func factor(epoch: Int, of epochs: Int) -> Double {
    let warmUp = epoch < warmUpEpochs ? Double(epoch + 1) / Double(warmUpEpochs + 1) : 1
    return warmUp * shapeFactor(epoch: epoch, of: epochs)
  }

  private func shapeFactor(epoch: Int, of epochs: Int) -> Double {
    switch shape {
    case .constant: return 1
    case .step(let milestones, let factor):
      return pow(factor, Double(milestones.filter { epoch >= $0 }.count))
    case .cosine(let minimum):
      let progress = Double(epoch) / Double(max(epochs, 1))
      return minimum + (1 - minimum) * (1 + cos(.pi * progress)) / 2
    }
  }
}
