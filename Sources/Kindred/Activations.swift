// What a network says of a batch, and the networks that say it.

import Torch

/// The logits and named intermediate activations of a batch of N inputs.
public struct Activations {
  /// N x classes, where they were asked for.
  public var logits: Tensor?
  /// The tapped activations by name, N x C x H x W for images (any shape whose first axis is the batch).
  public var taps: [String: Tensor]

  public init(logits: Tensor? = nil, taps: [String: Tensor] = [:]) {
    self.logits = logits
    self.taps = taps
  }

  /// A tapped activation, which must have been asked for.
  public func tap(_ name: String) -> Tensor {
    guard let tensor = taps[name] else { preconditionFailure("no activation '\(name)', only \(taps.keys.sorted())") }
    return tensor
  }

  /// The logits, which must have been asked for.
  public func requiredLogits() -> Tensor {
    guard let logits else { preconditionFailure("logits were not asked for") }
    return logits
  }
}

/// Which activations are wanted of a network: it may stop after the last of them.
public struct ActivationRequest: Sendable, Equatable {
  public var logits: Bool
  public var taps: Set<String>

  public init(logits: Bool = false, taps: Set<String> = []) {
    self.logits = logits
    self.taps = taps
  }

  public static let logits = ActivationRequest(logits: true)

  public func union(_ other: ActivationRequest) -> ActivationRequest {
    ActivationRequest(logits: logits || other.logits, taps: taps.union(other.taps))
  }
}

/// A network whose intermediate activations can be tapped.
open class Network: Module {
  /// The names that can be tapped, from input to output.
  open var tapNames: [String] { [] }

  /// The wanted activations of a batch.
  open func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
    fatalError("\(type(of: self)) does not say what its activations are")
  }

  /// Folds what can be folded, for a frozen network in evaluation mode. Changes nothing but speed and rounding.
  open func fold() {}
}
