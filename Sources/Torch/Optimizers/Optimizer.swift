// What every optimiser has: parameters, a learning rate, and a state that can be kept and put back.

/// Changes parameters by their gradients.
///
/// Gradients are read by `step` and cleared by it, so that the next `backward` starts from none.
public protocol Optimizer: AnyObject {
  /// The factor of the next step, set by the schedule.
  var learningRate: Double { get set }

  /// One step from the gradients that `backward` left on the parameters.
  func step()

  /// Everything that the next step depends on beside the parameters and the learning rate, by name.
  var state: [String: Tensor] { get }

  /// Puts back what `state` gave.
  /// - Throws: `StateError` where an entry is missing or of another shape.
  func load(_ state: [String: Tensor]) throws
}

/// A learning rate where a captured step finds it.
///
/// A number would stay what it was at the capture. A tensor's element is read at each replay.
struct DeviceRate {
  /// nil where the number will do.
  let tensor: Tensor?

  /// - Parameter isCapturable: nil for on every device but the CPU.
  init(_ rate: Double, for parameters: [Tensor], isCapturable: Bool?) {
    let device = parameters.first?.device ?? .cpu
    tensor = isCapturable ?? (device != .cpu) ? .full([], rate, device: device) : nil
  }

  func set(_ rate: Double) { tensor?.fillInPlace(rate) }
}

/// Copies saved tensors into an optimiser's own, entry by entry.
func restore(_ own: [String: Tensor], from saved: [String: Tensor]) throws {
  for (name, tensor) in own {
    guard let value = saved[name] else { throw StateError(entry: name, problem: "is missing") }
    guard value.shape == tensor.shape else {
      throw StateError(entry: name, problem: "has shape \(value.shape), the optimiser wants \(tensor.shape)")
    }
    withoutGradients { tensor.copyInPlace(value) }
  }
}
