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

/// A group's learning rate where a captured step finds it.
///
/// A number would stay what it was at the capture. A tensor's element is read at each replay.
struct GroupRate {
  /// nil where the number will do.
  let tensor: Tensor?
  private let factor: Double

  /// - Parameter isCapturable: nil for on every device but the CPU.
  init(_ rate: Double, of group: ParameterGroup, isCapturable: Bool?) {
    let device = group.parameters.first?.device ?? .cpu
    factor = group.rateFactor
    tensor = isCapturable ?? (device != .cpu) ? .full([], rate * factor, device: device) : nil
  }

  /// The group's part of the optimiser's rate.
  func number(_ rate: Double) -> Double { rate * factor }

  func follow(_ rate: Double) { tensor?.fillInPlace(number(rate)) }
}

/// Copies saved tensors into one's own, entry by entry.
package func restore(_ own: [String: Tensor], from saved: [String: Tensor]) throws {
  for (name, tensor) in own {
    guard let value = saved[name] else { throw StateError(entry: name, problem: "is missing") }
    guard value.shape == tensor.shape else {
      throw StateError(entry: name, problem: "has shape \(value.shape), this run wants \(tensor.shape)")
    }
    withoutGradients { tensor.copyInPlace(value) }
  }
}
