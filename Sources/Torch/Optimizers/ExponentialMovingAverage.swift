// The mean of a network's weights over its steps, which often does better than the last ones.

import CTorch

/// An exponential moving average of a module's entries: after step t, counted from 1, each is d times what it was and 1 - d
/// times the module's, d being the smaller of `decay` and (1 + t) / (10 + t).
///
/// Parameters and batch norms' running statistics are averaged and whole numbers are copied, as timm's `ModelEmaV3` does. It
/// begins as a copy of the module.
public final class ExponentialMovingAverage {
  /// How much is kept from step to step, once it is warm.
  public let decay: Double
  private let module: Module
  private let average: [(name: String, tensor: Tensor)]

  /// An average of a module as it is now, on its device.
  public init(of module: Module, decay: Double) {
    self.module = module
    self.decay = decay
    average = withoutGradients { module.state.map { ($0.name, $0.tensor.detached().clone()) } }
  }

  /// What is kept in a step, counted from 1.
  public func decay(at step: Int) -> Double { min(decay, Double(1 + step) / Double(10 + step)) }

  /// Takes in the module as a step, counted from 1, has left it.
  public func update(step: Int) {
    let pairs = zip(average, module.state).map { (average: $0.tensor, current: $1.tensor) }
    let means = pairs.filter { $0.average.isFloatingPoint }
    let status = withHandles(means.map(\.average)) { own in
      withHandles(means.map(\.current)) { ct_lerp_in_place(own, $0, 1 - decay(at: step)) }
    }
    check(status, "lerp_")
    withoutGradients {
      for (own, current) in pairs where !own.isFloatingPoint { own.copyInPlace(current) }
    }
  }

  /// Does something while the module has the average's values, and gives it back its own.
  public func standingIn<Result>(_ body: () throws -> Result) rethrows -> Result {
    let state = module.state
    let own = state.map { $0.tensor.detached().clone() }
    func put(_ values: [Tensor]) {
      withoutGradients { for (entry, value) in zip(state, values) { entry.tensor.copyInPlace(value) } }
    }
    put(average.map(\.tensor))
    defer { put(own) }
    return try body()
  }

  /// The averages by the entries' names.
  public var state: [String: Tensor] { Dictionary(average.map { ($0.name, $0.tensor) }) { first, _ in first } }

  /// Puts back what `state` gave.
  /// - Throws: `StateError` where an entry is missing or of another shape.
  public func load(_ state: [String: Tensor]) throws { try restore(self.state, from: state) }
}
