// What a network gives for a batch, and what is asked of it.

import Torch

/// The logits and named intermediate activations of a batch of N inputs.
public struct Activations {
  /// N x classes, where they were asked for.
  public var logits: Tensor?
  /// The tapped activations by name, N x C x H x W for images (any shape whose first axis is the batch).
  public var taps: [String: Tensor]

  /// What a network gives of itself; an empty value by default.
  public init(logits: Tensor? = nil, taps: [String: Tensor] = [:]) {
    self.logits = logits
    self.taps = taps
  }

  /// A tapped activation, or the logits under their name, which must have been asked for.
  public func tap(_ name: String) -> Tensor {
    if name == Activations.logitsName { return requiredLogits() }
    guard let tensor = taps[name] else { preconditionFailure("no activation '\(name)', only \(taps.keys.sorted())") }
    return tensor
  }

  /// Only what is asked for.
  func only(_ request: ActivationRequest) -> Activations {
    Activations(logits: request.logits ? logits : nil, taps: taps.filter { request.taps.contains($0.key) })
  }

  /// Those of all ranks' inputs, `total` in number, with the gradient of `ProcessGroup.gatherRowsForAll`.
  /// - Throws: `ProcessGroupError`.
  func gathered(in group: ProcessGroup, of total: Int) throws -> Activations {
    // In one order on all ranks.
    let names = taps.keys.sorted()
    let gathered = try names.map { try group.gatherRowsForAll(tap($0), of: total) }
    return Activations(
      logits: try logits.map { try group.gatherRowsForAll($0, of: total) },
      taps: Dictionary(uniqueKeysWithValues: zip(names, gathered)))
  }

  /// The name under which the logits can be compared as any other activation.
  package static let logitsName = "logits"
  /// The tap of the pooled vector, N x features, that the classifier works on.
  package static let pooledName = "pooled"

  /// The logits, which must have been asked for.
  public func requiredLogits() -> Tensor {
    guard let logits else { preconditionFailure("logits were not asked for") }
    return logits
  }
}

/// Which activations are wanted of a network: it may stop after the last of them.
public struct ActivationRequest: Sendable, Equatable {
  /// Whether logits are asked for.
  public var logits: Bool
  /// The names of the taps that are asked for.
  public var taps: Set<String>

  /// `logits` among the taps asks for the logits.
  public init(logits: Bool = false, taps: Set<String> = []) {
    self.logits = logits || taps.contains(Activations.logitsName)
    self.taps = taps.subtracting([Activations.logitsName])
  }

  /// Logits and no tap.
  public static let logits = ActivationRequest(logits: true)

  /// What either asks for.
  public func union(_ other: ActivationRequest) -> ActivationRequest {
    ActivationRequest(logits: logits || other.logits, taps: taps.union(other.taps))
  }
}
