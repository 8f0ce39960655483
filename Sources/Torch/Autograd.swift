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

extension Tensor {
  /// A value as if it were computed from `input`.
  /// - Parameters:
  ///   - output: the value.
  ///   - input: what it was made of, without gradients.
  ///   - backward: makes of its gradient that of `input`.
  package static func value(
    _ output: Tensor, of input: Tensor, backward: @escaping (_ gradient: Tensor) -> Tensor
  ) -> Tensor {
    let handle = ct_with_backward(
      output.handle, input.handle,
      { owner, gradient in
        guard let owner, let gradient else { return nil }
        let body = Unmanaged<Callback<(Tensor) -> Tensor>>.fromOpaque(owner).takeUnretainedValue().body
        let result = withoutGradients { body(Tensor(owning: gradient)) }
        return withExtendedLifetime(result) { ct_detach(result.handle) }
      },
      { owner in if let owner { Unmanaged<AnyObject>.fromOpaque(owner).release() } },
      Unmanaged.passRetained(Callback(backward)).toOpaque())
    return adopt(handle, "value", [output, input])
  }

  /// Calls `body` each time that a backward pass has left this leaf's gradient, within that pass; nil for not any more.
  package func onGradient(_ body: (() -> Void)?) {
    guard let body else { return check(ct_off_gradient(handle), "on_gradient", [self]) }
    let status = ct_on_gradient(
      handle,
      { owner in if let owner { Unmanaged<Callback<() -> Void>>.fromOpaque(owner).takeUnretainedValue().body() } },
      { owner in if let owner { Unmanaged<AnyObject>.fromOpaque(owner).release() } },
      Unmanaged.passRetained(Callback(body)).toOpaque())
    check(status, "on_gradient", [self])
  }
}

/// A closure that C++ keeps.
private final class Callback<Body> {
  let body: Body

  init(_ body: Body) { self.body = body }
}
