// In which precision networks compute during training.

import Torch

/// The type of a network's convolutions and linear layers. Parameters, their gradients, batch statistics, losses and
/// the optimiser's state are float32 in either.
public enum Precision: String, Sendable, CaseIterable {
  case float32, bfloat16
}

extension Network {
  /// The wanted activations of a batch, computed in a precision and given in float32.
  public func activations(of input: Tensor, _ request: ActivationRequest, in precision: Precision) -> Activations {
    unwidenedActivations(of: input, request, in: precision).widened
  }

  /// The same as the network computed them: what its later layers go on with, so that gradients of its logits pass
  /// through them. Those in float32 are copies beside that path where the precision is another.
  func unwidenedActivations(
    of input: Tensor, _ request: ActivationRequest, in precision: Precision
  ) -> Activations {
    switch precision {
    case .float32: activations(of: input, request)
    case .bfloat16: withAutocast(.bfloat16, on: input.device) { activations(of: input, request) }
    }
  }
}

extension Activations {
  /// In float32, differentiably: the losses' sums and products would lose too much in less.
  var widened: Activations {
    Activations(logits: logits?.widened, taps: taps.mapValues(\.widened))
  }
}

extension Tensor {
  /// What is narrower than float32 in float32; this very tensor where it is not.
  fileprivate var widened: Tensor { dtype == .float64 ? self : to(.float32) }
}
