// Keeps a step from being thrown far by one batch.

import CTorch

/// `torch.nn.utils.clip_grad_norm_`: all gradients are scaled by largest / (norm + 1e-6) where that is below 1, `norm` being
/// the L2 norm of all of them together. Nothing waits for a CUDA device.
/// - Returns: the norm before that, a scalar; nil where no parameter has a gradient.
@discardableResult
public func clipGradients(of parameters: [Tensor], toNorm largest: Double) -> Tensor? {
  let gradients = parameters.compactMap(\.gradient)
  guard !gradients.isEmpty else { return nil }
  return adopt(withHandles(gradients) { ct_clip_gradients($0, largest) }, "clip_grad_norm_", gradients)
}
