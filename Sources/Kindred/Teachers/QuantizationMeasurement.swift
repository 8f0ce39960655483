// How the cost of int8 is measured: both teachers' answers and Gram matrices, batch by batch.

import Graph
import Torch

/// What is kept of a teacher's pass over a batch: the activations themselves would fill the memory.
struct TeacherSample {
  let correct: Int?
  let similarities: [String: Tensor]

  /// - Parameter labels: the teacher's own classes, where the batch's are.
  init(_ activations: Activations, labels: Tensor?) {
    correct = labels.map { Int(activations.requiredLogits().argmax(1).equal(to: $0).sum().item) }
    similarities = activations.taps.mapValues { similarityMatrix($0).to(.float64) }
  }
}

extension QuantizationCost {
  /// Two teachers' samples of the same batches.
  init(of int8: [TeacherSample], beside float32: [TeacherSample], inputs: Int, _ convolutions: QuantizationCount) {
    let share = { (counts: [Int]) in Double(counts.reduce(0, +)) / Double(inputs) }
    let (exact, approximate) = (float32.compactMap(\.correct), int8.compactMap(\.correct))
    let taps = float32.first?.similarities.keys ?? [:].keys
    self.init(
      inputs: inputs, convolutions: convolutions,
      accuracy: exact.isEmpty ? nil : Accuracy(float32: share(exact), int8: share(approximate)),
      similarities: Dictionary(
        uniqueKeysWithValues: taps.map { tap in
          (tap, Similarity(of: zip(int8, float32).compactMap { pair(tap, $0, $1) }))
        }))
  }
}

private func pair(_ tap: String, _ int8: TeacherSample, _ float32: TeacherSample) -> (Tensor, Tensor)? {
  guard let approximate = int8.similarities[tap], let exact = float32.similarities[tap] else { return nil }
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
