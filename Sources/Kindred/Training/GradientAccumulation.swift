// Gradients of several batches for one step of the optimiser.

import Torch

/// Sums of gradients, in memory that stays where it is, so that a captured step adds to them as well.
final class GradientAccumulation {
  private let parameters: [Tensor]
  private let sums: [Tensor]

  init(_ parameters: [Tensor]) {
    self.parameters = parameters
    sums = withoutGradients { parameters.map { $0.zerosLike() } }
  }

  /// Takes what `backward` left on the parameters.
  func add() {
    withoutGradients {
      for (parameter, sum) in zip(parameters, sums) {
        guard let gradient = parameter.gradient else { continue }
        sum.addInPlace(gradient)
        parameter.clearGradient()
      }
    }
  }

  /// Leaves the mean of so many batches on the parameters, and begins anew.
  func give(meanOf batches: Int) {
    withoutGradients {
      for (parameter, sum) in zip(parameters, sums) {
        parameter.gradient = sum / Double(batches)
        sum.fillInPlace(0)
      }
    }
  }

  /// What was added up so far, by the parameters' numbers.
  var state: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: sums.enumerated().map { ("\($0)", $1) })
  }

  /// Puts back what `state` gave.
  /// - Throws: `StateError` where an entry is missing or of another shape.
  func load(_ state: [String: Tensor]) throws { try restore(self.state, from: state) }
}
