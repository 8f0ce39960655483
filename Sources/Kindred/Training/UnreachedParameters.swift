// Parameters that no loss reaches, because nothing leads there or all that does has a weight of 0.

import Torch

/// Looks once, after a run's first backward pass, for what the optimiser would only decay.
struct UnreachedParameters {
  private var hasLooked = false
  private var warning: String?

  /// Before the optimiser clears the gradients.
  mutating func look(for student: Network) {
    guard !hasLooked else { return }
    hasLooked = true
    // A classifier of no classes has none to train.
    let trained = student.state.filter { $0.tensor.requiresGradient && $0.tensor.count > 0 }
    let names = trained.filter { !$0.tensor.isReached }.map(\.name)
    guard !names.isEmpty else { return }
    let list = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    warning = "no loss reaches \(list): what is not trained only decays"
  }

  /// What was found, once.
  mutating func take() -> String? {
    defer { warning = nil }
    return warning
  }
}

extension Tensor {
  /// Whether `backward` has left anything but zeros. Waits for a CUDA device.
  fileprivate var isReached: Bool { gradient.map { $0.abs().maximum().item != 0 } ?? false }
}
