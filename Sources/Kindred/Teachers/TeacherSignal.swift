// The teacher as a signal: for each batch, what the losses need of it and nothing more.

import Torch

/// One thing that a loss needs of the teacher for a batch of b inputs.
public enum TeacherNeed: Hashable, Sendable {
  /// b x classes.
  case logits
  /// An activation as it is.
  case activation(String)
  /// The row-normalised Gram matrix of an activation, b x b, float32 or wider.
  case similarity(String)
  /// The normalised attention map of an activation, b x (H W); the activation pooled to `size` x `size` first, if given.
  case attention(String, size: Int?)

  /// What the teacher network has to be asked for.
  var request: ActivationRequest {
    switch self {
    case .logits: .logits
    case .activation(let tap), .similarity(let tap), .attention(let tap, _): ActivationRequest(taps: [tap])
    }
  }

  /// This need computed from the teacher's activations.
  func tensor(from activations: Activations) -> Tensor {
    switch self {
    case .logits: activations.requiredLogits()
    case .activation(let tap): activations.tap(tap)
    case .similarity(let tap): similarityMatrix(activations.tap(tap))
    case .attention(let tap, let size): attentionMap(activations.tap(tap), pooledTo: size)
    }
  }
}

/// What the teacher says of one batch.
public struct TeacherOutput {
  private let values: [TeacherNeed: Tensor]

  public init(_ values: [TeacherNeed: Tensor] = [:]) { self.values = values }

  /// What the losses need, computed from a teacher's activations without recording gradients.
  public init(_ activations: Activations, needs: Set<TeacherNeed>) {
    values = withoutGradients {
      Dictionary(uniqueKeysWithValues: needs.map { ($0, $0.tensor(from: activations)) })
    }
  }

  var needs: Dictionary<TeacherNeed, Tensor>.Keys { values.keys }

  func copied() -> TeacherOutput { TeacherOutput(values.mapValues { $0.clone() }) }

  /// Takes over the contents of another output of the same needs and shapes.
  func fill(from other: TeacherOutput) {
    for (need, value) in values { value.copyInPlace(other[need]) }
  }

  public subscript(need: TeacherNeed) -> Tensor {
    guard let value = values[need] else { preconditionFailure("the teacher was not asked for \(need)") }
    return value
  }
}

/// A source of what a teacher says of each batch.
public protocol TeacherSignal {
  /// Whether `output` is work for the device alone, the same for every batch, so that it can be part of a captured step.
  var isCapturable: Bool { get }

  /// - Throws: where the signal comes from outside and fails.
  func output(for batch: Batch) throws -> TeacherOutput

  /// What the network behind the signal gives for some inputs, as far as losses need it: so that it can be checked before
  /// it teaches. nil where there is no network to be asked.
  /// - Throws: where the network is broken, or does not take the inputs.
  func activations(of input: Tensor) throws -> Activations?
}

extension TeacherSignal {
  public var isCapturable: Bool { false }
  public func activations(of input: Tensor) throws -> Activations? { nil }
}
