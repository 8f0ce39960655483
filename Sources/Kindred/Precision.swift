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
    switch precision {
    case .float32: activations(of: input, request)
    case .bfloat16: withAutocast(.bfloat16, on: input.device) { activations(of: input, request) }.widened
    }
  }
}

extension Activations {
  /// In float32, differentiably: the losses' sums and products would lose too much in less.
  fileprivate var widened: Activations {
    Activations(logits: logits?.to(.float32), taps: taps.mapValues { $0.to(.float32) })
  }
}
