// A network that is only asked: frozen, its layers fused, and run in the order that suits the processor.

import Graph
import Torch

/// A network in evaluation mode, run without recording gradients and with as few operations as the processor allows.
package final class FrozenNetwork {
  private let network: Network
  private let precision: Precision
  private let layers = FrozenLayers()
  private let programs: Programs
  private let brokenEntry: BrokenEntry?

  /// Freezes `network`, which belongs to this from now on.
  package init(_ network: Network, _ precision: Precision = .float32) {
    network.freeze()
    network.evaluate()
    brokenEntry = network.brokenEntry
    programs = Programs(frozen: layers)
    self.network = network
    self.precision = precision
  }

  /// - Throws: `BrokenTeacher` where a weight is not finite.
  func requireWeights() throws {
    if let brokenEntry { throw BrokenTeacher("has weights that cannot be: \(brokenEntry)") }
  }

  /// Turns the convolutions into int8 ones, ranges taken from a pass over `inputs`, of one shape each.
  /// - Throws: `QuantizationError`.
  package func quantize(on inputs: [Tensor], _ request: ActivationRequest) throws -> QuantizationCount {
    guard let first = inputs.first else { throw QuantizationError.nothingToQuantize }
    let graph: Graph
    do {
      graph = try network.graph(of: Array(first.shape.dropFirst()))
    } catch {
      throw QuantizationError.notTraceable("\(error)")
    }
    defer { programs.removeAll() }
    return try layers.quantize(graph) { for input in inputs { _ = activations(of: input, request) } }
  }

  /// The wanted activations of a batch, on the CPU computed in pieces.
  ///
  /// Between two convolutions a whole batch's activations go through the main memory; a piece's stay in the cache. No
  /// input's activations depend on the others' in evaluation mode.
  package func activations(of input: Tensor, _ request: ActivationRequest) -> Activations {
    // Not inference mode: its tensors cannot be saved for the student's backward pass.
    withoutGradients {
      let (count, size) = (input.shape[0], pieceSize(input.shape))
      guard input.device == .cpu, size < count else { return piece(input, request) }
      return Activations(
        joining: stride(from: 0, to: count, by: size).map { start in
          piece(input.narrowed(0, start..<min(start + size, count)), request)
        })
    }
  }

  private func piece(_ input: Tensor, _ request: ActivationRequest) -> Activations {
    guard let graph = try? network.graph(of: Array(input.shape.dropFirst())),
      let given = try? graph.activations(request, run: { try run(graph, input, $0) })
    else { return network.activations(of: input, request, in: precision) }
    return given.widened
  }

  private func run(_ graph: Graph, _ input: Tensor, _ outputs: [String]) throws -> [Tensor] {
    switch precision {
    case .float32: try programs.run(graph, on: input, for: outputs)
    case .bfloat16:
      try withAutocast(.bfloat16, on: input.device) { try programs.run(graph, on: input, for: outputs) }
    }
  }

  /// So many inputs that each thread has about 8,192 pixels: eight CIFAR images. Half and twice as many were measured
  /// within a few per cent. Of larger images so many that each thread has about 6 MB of what the widest layer reads and
  /// writes: at 224 pixels one for ResNet-18 and five for ShuffleNetV2, and in int8 four times as many.
  private func pieceSize(_ shape: [Int]) -> Int {
    let pixels = shape.dropFirst(2).reduce(1, *)
    guard pixels > 8192, let graph = try? network.graph(of: Array(shape.dropFirst())) else {
      return max(1, 8192 * Runtime.threadCount / max(1, pixels))
    }
    let bytes = graph.widestLayer * (layers.areQuantized ? 1 : 4)
    return max(1, 6_000_000 * Runtime.threadCount / max(1, bytes))
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
