// A network that is only asked: frozen, folded and run in the order that suits the processor.

import Torch

/// A network in evaluation mode, its batch norms folded, run without recording gradients.
struct FrozenNetwork {
  private let network: Network
  private let precision: Precision
  /// Looked for before layers are folded.
  private let brokenEntry: BrokenEntry?

  /// Freezes and folds `network`, which belongs to this from now on.
  init(_ network: Network, _ precision: Precision) {
    network.freeze()
    network.evaluate()
    brokenEntry = network.brokenEntry
    network.fold()
    self.network = network
    self.precision = precision
  }

  /// - Throws: `BrokenTeacher` where a weight is not finite.
  func requireWeights() throws {
    if let brokenEntry { throw BrokenTeacher("has weights that cannot be: \(brokenEntry)") }
  }

  /// Turns the convolutions into int8 ones, ranges taken from a pass over `inputs`.
  func quantize(on inputs: [Tensor], _ request: ActivationRequest) throws -> QuantizationCount {
    try network.quantize { for input in inputs { _ = activations(of: input, request) } }
  }

  /// The wanted activations of a batch, on the CPU computed in pieces.
  ///
  /// Between two convolutions a whole batch's activations go through the main memory; a piece's stay in the cache. No
  /// input's activations depend on the others' in evaluation mode.
  func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
    // Not inference mode: its tensors cannot be saved for the student's backward pass.
    withoutGradients {
      let (count, size) = (input.shape[0], pieceSize(input.shape))
      guard input.device == .cpu, size < count else { return network.activations(of: input, request, in: precision) }
      return Activations(
        joining: stride(from: 0, to: count, by: size).map { start in
          network.activations(of: input.narrowed(0, start..<min(start + size, count)), request, in: precision)
        })
    }
  }

  /// So many inputs that each thread has about 8,192 pixels: eight CIFAR images. Half and twice as many were measured
  /// within a few per cent.
  private func pieceSize(_ shape: [Int]) -> Int {
    let pixels = shape.dropFirst(2).reduce(1, *)
    return max(1, 8192 * Runtime.threadCount / max(1, pixels))
  }
}

extension Activations {
  /// One batch from consecutive parts of it.
  fileprivate init(joining parts: [Activations]) {
    self.init(
      logits: parts[0].logits.map { _ in .concatenated(parts.map { $0.requiredLogits() }) },
      taps: Dictionary(
        uniqueKeysWithValues: parts[0].taps.keys.map { tap in (tap, .concatenated(parts.map { $0.tap(tap) })) }))
  }
}
