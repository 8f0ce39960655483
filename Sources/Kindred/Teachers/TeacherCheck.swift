// Whether a teacher can teach: it is asked about a run's first batch before anything is trained.

import Torch

extension TeacherSignal {
  /// Asks the teacher about a batch of the run twice, and about a part of it alone.
  ///
  /// A teacher whose answers are not finite, are all zero, change from one time to the next, or depend on the other
  /// inputs of the batch, would be taught from to the end without a word.
  /// - Returns: what is odd about it and no reason to refuse it, a line each.
  /// - Throws: `BrokenTeacher`; whatever the signal throws.
  package func check(on batch: Batch) throws -> [String] {
    guard let answer = try activations(of: batch.teacher) else {
      try output(for: batch).requireFinite()
      return []
    }
    try answer.requireSound()
    try answer.requireEqual(try activations(of: batch.teacher))
    try requireIndependence(of: batch.teacher, answer)
    return answer.logits?.areProbabilities == true
      ? ["its logits are probabilities (each row sums to 1): kd wants what the softmax is taken of"] : []
  }

  /// An input's activations must not depend on those beside it.
  private func requireIndependence(of images: Tensor, _ answer: Activations) throws {
    let (count, part) = (images.shape[0], min(2, images.shape[0] - 1))
    guard part > 0 else { return }
    let alone = images.narrowed(0, 0..<part)
    let others: Activations?
    do {
      others = try activations(of: alone)
    } catch {
      // Compiled for batches of one size: the part beside itself.
      let copies = [Tensor](repeating: alone, count: (count + part - 1) / part)
      others = try activations(of: Tensor.concatenated(copies).narrowed(0, 0..<count))
    }
    try answer.requireNear(others, inputs: part)
  }
}

/// A teacher whose signal nobody should learn from, and why.
public struct BrokenTeacher: Error, CustomStringConvertible, Sendable {
  /// What is wrong, to stand behind the teacher's name.
  public let problem: String

  init(_ problem: String) { self.problem = problem }

  public var description: String { "the teacher \(problem)" }
}

extension TeacherOutput {
  /// - Throws: `BrokenTeacher` for the first signal, by name, that is not finite.
  func requireFinite() throws {
    let broken = statistics.sorted { $0.name < $1.name }.first { !self[$0].isSound(asLogits: $0 == .logits) }
    if let broken { throw BrokenTeacher("gives '\(broken.name)' with NaN or infinity in it") }
  }
}

extension Activations {
  /// By name, logits first.
  private var all: [(name: String, tensor: Tensor)] {
    (logits.map { [("logits", $0)] } ?? []) + taps.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  fileprivate func requireSound() throws {
    for (name, tensor) in all {
      guard tensor.isSound(asLogits: name == "logits" || name.hasSuffix(".logits")) else {
        throw BrokenTeacher("gives '\(name)' with NaN or infinity in it for the run's first batch")
      }
      guard tensor.abs().maximum().item > 0 else {
        throw BrokenTeacher("gives '\(name)' of nothing but zeros for the run's first batch; there is nothing to learn")
      }
    }
  }

  fileprivate func requireEqual(_ other: Activations?) throws {
    for (one, other) in zip(all, other?.all ?? []) where !one.tensor.isEqual(to: other.tensor) {
      throw BrokenTeacher(
        "gives another '\(one.name)' when it is asked again about the same inputs; exported in training mode? call "
          + "eval() before exporting")
    }
  }

  /// - Parameter count: how many inputs the other activations begin with that are these ones' first ones.
  fileprivate func requireNear(_ other: Activations?, inputs count: Int) throws {
    for (one, other) in zip(all, other?.all ?? []) {
      let (whole, alone) = (one.tensor.narrowed(0, 0..<count), other.tensor.narrowed(0, 0..<count))
      guard alone.relativeDifference(from: whole) < Activations.largestDifference else {
        throw BrokenTeacher(
          "gives another '\(one.name)' for an input when other inputs stand beside it; exported in training mode? "
            + "call eval() before exporting")
      }
    }
  }

  /// Batches of another size are computed in another order, in bfloat16 with errors of a per cent. Batch statistics of
  /// two inputs are off by tens of them.
  private static let largestDifference = 0.03
}

extension Tensor {
  /// Whether all elements are finite; of logits only that each row has a finite maximum, since a class that is masked
  /// out has a logit of -infinity.
  func isSound(asLogits: Bool) -> Bool { (asLogits ? maximum([1]) : self).isAllFinite }

  fileprivate func isEqual(to other: Tensor) -> Bool {
    shape == other.shape && Int(equal(to: other).sum().item) == count
  }

  /// The L2 norm of the difference over that of `other`, masked classes apart.
  fileprivate func relativeDifference(from other: Tensor) -> Double {
    let (own, others) = (finitePart, other.finitePart)
    return (own - others).norm().item / max(others.norm().item, 1e-30)
  }

  private var finitePart: Tensor {
    let wide = to(.float32)
    return Tensor.where(wide.isFinite, wide, wide.zerosLike())
  }

  /// Whether rows are what a softmax gives.
  fileprivate var areProbabilities: Bool {
    shape.count == 2 && shape[1] > 1 && minimum().item >= 0
      && (to(.float32).sum([1]) - 1).abs().maximum().item < 1e-3
  }
}
