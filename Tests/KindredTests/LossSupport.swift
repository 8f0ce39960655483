// What the tests of the losses share.

import Kindred
import Testing
import Torch

/// A float type, the golden file's word for it, and the largest relative error allowed in it.
struct Precision: Sendable, CustomTestStringConvertible {
  let dtype: DType
  let suffix: String
  let tolerance: Double

  var testDescription: String { suffix }

  static let all = [
    Precision(dtype: .float32, suffix: "f32", tolerance: 2e-5),
    Precision(dtype: .float64, suffix: "f64", tolerance: 1e-12),
  ]
}

/// A copy that gradients are recorded for.
func leaf(_ tensor: Tensor, _ dtype: DType? = nil) -> Tensor {
  let copy = tensor.detached().to(dtype ?? tensor.dtype).clone()
  copy.requiresGradient = true
  return copy
}

extension DistillationLoss {
  /// The loss of what a student gives and what the teacher's statistics are.
  func callAsFunction(_ student: Activations, _ teacher: TeacherOutput, labels: Tensor? = nil) -> Tensor {
    let some = student.logits ?? student.taps.values.first ?? Tensor.zeros([1])
    return self(Step(student: student, teacher: teacher, batch: Batch(some, labels: labels, position: BatchPosition())))
  }
}

/// A loss of activations alone: what a student's and a teacher's taps give.
func value(of loss: any DistillationLoss, student: [String: Tensor], teacher: [String: Tensor]) -> Tensor {
  loss(Activations(taps: student), TeacherOutput(Activations(taps: teacher), loss.statistics))
}

/// SP of one pair of activations.
func similarityLoss(_ student: Tensor, _ teacher: Tensor) -> Tensor {
  value(of: SimilarityPreserving([LayerPair("stage3")]), student: ["stage3": student], teacher: ["stage3": teacher])
}

func gradient(_ scalar: Tensor, at leaf: Tensor) throws -> Tensor {
  try #require(scalar.gradients(of: [leaf])[0], "the loss does not depend on the student")
}
