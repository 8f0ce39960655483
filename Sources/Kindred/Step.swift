// What a loss sees of one step of training.

import Torch

/// One step: what student and teacher give for a batch, and the batch.
public struct Step {
  /// What the student gives for the batch.
  public let student: Activations
  /// What the teacher gives for it.
  public let teacher: TeacherOutput
  /// The batch itself.
  public let batch: Batch

  /// A step; without a teacher's output for losses that need none.
  public init(student: Activations, teacher: TeacherOutput = TeacherOutput(), batch: Batch) {
    self.student = student
    self.teacher = teacher
    self.batch = batch
  }

  /// What the loss prepared for this batch under a key, see `DistillationLoss.prepare`.
  public func extra(_ key: String) -> Tensor {
    guard let tensor = batch.extras[key] else { preconditionFailure("nothing was prepared under '\(key)'") }
    return tensor
  }
}
