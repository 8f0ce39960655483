// How the cost of fewer bits is measured: both networks' answers and Gram matrices, batch by batch.

import Graph
import Torch

/// What is kept of a network's pass over a batch: the activations themselves would fill the memory.
struct NetworkSample {
  let correct: Int?
  let similarities: [String: Tensor]

  /// - Parameter labels: the network's own classes, where the batch's are.
  init(_ activations: Activations, labels: Tensor?) {
    correct = labels.map { Int(activations.requiredLogits().argmax(1).equal(to: $0).sum().item) }
    similarities = activations.taps.mapValues { similarityMatrix($0).to(.float64) }
  }
}

extension QuantizationCost {
  /// Two networks' samples of the same batches.
  init(
    _ precision: Precision = .int8, of reduced: [NetworkSample], beside float32: [NetworkSample], inputs: Int,
    _ convolutions: QuantizationCount
  ) {
    let share = { (counts: [Int]) in Double(counts.reduce(0, +)) / Double(inputs) }
    let (exact, approximate) = (float32.compactMap(\.correct), reduced.compactMap(\.correct))
    let taps = float32.first?.similarities.keys ?? [:].keys
    self.init(
      precision, inputs: inputs, convolutions: convolutions,
      accuracy: exact.isEmpty ? nil : Accuracy(float32: share(exact), reduced: share(approximate)),
      similarities: Dictionary(
        uniqueKeysWithValues: taps.map { tap in
          (tap, Similarity(of: zip(reduced, float32).compactMap { pair(tap, $0, $1) }))
        }))
  }

  /// What a network that was written in fewer bits, and read back, costs beside the one that it was.
  ///
  /// Compared are top-1 accuracies and the Gram matrices of the vector that the classifier works on, where both have it.
  /// - Parameters:
  ///   - heldOut: labelled batches of two inputs or more.
  ///   - role: what it is, for the message.
  /// - Throws: `QuantizationTooCostly` where its logits are not finite.
  package init(
    _ precision: Precision, of reduced: Network, beside float32: Network, heldOut: [Batch],
    convolutions: QuantizationCount, role: String
  ) throws {
    let inputs = heldOut.reduce(0) { $0 + $1.count }
    let shape = heldOut.first.map { Array($0.student.shape.dropFirst()) } ?? []
    let isTapped = [reduced, float32].allSatisfy {
      $0.description(name: "", inputShape: shape).taps[Activations.pooledName] != nil
    }
    let request = ActivationRequest(logits: true, taps: isTapped ? [Activations.pooledName] : [])
    let samples = try [reduced, float32].map { network in
      let frozen = FrozenNetwork(network)
      return try heldOut.map { batch in
        let given = frozen.activations(of: batch.student, request)
        guard given.requiredLogits().abs().maximum().item.isFinite else {
          throw QuantizationTooCostly(
            .logits, .infinity, bound: .infinity, inputs: inputs, "the \(precision.rawValue) \(role)")
        }
        return NetworkSample(given, labels: batch.labels)
      }
    }
    self.init(precision, of: samples[0], beside: samples[1], inputs: inputs, convolutions)
  }
}

private func pair(_ tap: String, _ reduced: NetworkSample, _ float32: NetworkSample) -> (Tensor, Tensor)? {
  guard let approximate = reduced.similarities[tap], let exact = float32.similarities[tap] else { return nil }
  return (approximate, exact)
}

extension QuantizationCost.Similarity {
  /// The mean over pairs of Gram matrices of the same batch, first the approximate one and then the exact one.
  package init(of pairs: [(Tensor, Tensor)]) {
    let count = Double(pairs.count)
    self.init(
      relativeError: pairs.reduce(0) { $0 + $1.0.relativeError(to: $1.1) } / count,
      correlation: pairs.reduce(0) { $0 + $1.0.correlationOffDiagonal(with: $1.1) } / count)
  }
}

extension Tensor {
  fileprivate func relativeError(to reference: Tensor) -> Double {
    (self - reference).norm().item / max(reference.norm().item, 1e-12)
  }

  /// Pearson's correlation of two square matrices' entries off the diagonal; 1 for equal ones, even without spread.
  fileprivate func correlationOffDiagonal(with other: Tensor) -> Double {
    let mask = Tensor.ones(shape, dtype: dtype) - Tensor.eye(shape[0], dtype: dtype)
    let count = mask.sum()
    func centred(_ matrix: Tensor) -> Tensor { (matrix - (matrix * mask).sum() / count) * mask }
    let (own, others) = (centred(self), centred(other))
    let scale = own.norm().item * others.norm().item
    guard scale > 0 else { return (own - others).norm().item == 0 ? 1 : 0 }
    return (own * others).sum().item / scale
  }
}
