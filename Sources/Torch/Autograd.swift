// Automatic differentiation: what is recorded, and running it backwards.

import CTorch

extension Tensor {
  /// Whether operations on this tensor are recorded, so that a gradient with respect to it can be asked for.
  public var requiresGradient: Bool {
    get { ct_requires_gradient(handle) }
    set { check(ct_set_requires_gradient(handle, newValue), "requires_grad_", [self]) }
  }

  /// What `backward` has added up for this leaf; nil before the first time.
  public package(set) var gradient: Tensor? {
    get {
      let gradient = adopt(ct_gradient(handle), "grad", [self])
      return gradient.isDefined ? gradient : nil
    }
    set {
      guard let newValue else { return clearGradient() }
      check(ct_set_gradient(handle, newValue.handle), "grad", [self, newValue])
    }
  }

  /// Forgets the gradient.
  public func clearGradient() { ct_clear_gradient(handle) }

  /// Adds d(self)/d(leaf) to the gradient of every leaf that this scalar depends on.
  public func backward() { check(ct_backward(handle), "backward", [self]) }

  /// d(self)/d(input) for each input, nil for those this scalar does not depend on; leaves' own gradients stay.
  /// With `keepingGraph` the recorded computation can be gone through again.
  public func gradients(of inputs: [Tensor], keepingGraph: Bool = false) -> [Tensor?] {
    var handles = [ct_tensor?](repeating: nil, count: inputs.count)
    check(withHandles(inputs) { ct_gradients(handle, $0, keepingGraph, &handles) }, "grad", [self])
    return handles.map { handle in
      guard let handle else { return nil }
      let gradient = Tensor(owning: handle)
      return gradient.isDefined ? gradient : nil
    }
  }
}

/// Runs `body` without recording operations for differentiation.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = ct_gradients_enabled()
  ct_set_gradients_enabled(false)
  defer { ct_set_gradients_enabled(before) }
  return try body()
}
