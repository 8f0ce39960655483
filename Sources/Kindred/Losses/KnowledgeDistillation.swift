// Hinton's knowledge distillation, by logits.

import Torch

/// KD: Hinton, Vinyals & Dean, *Distilling the Knowledge in a Neural Network*, 2015, section 2.
///
/// T^2 KL(softmax(teacher / T) || softmax(student / T)), the mean over the batch. The factor T^2 keeps the gradient's
/// size when T changes. Agrees with `distiller_zoo/KD.py` of HobbitLong/RepDistiller. In the usual weighting alpha of
/// this term goes with 1 - alpha of cross-entropy.
public struct KnowledgeDistillation: DistillationLoss {
  public let name = "kd"
  /// T, over which logits are divided.
  public let temperature: Double

  public init(temperature: Double = 4) { self.temperature = temperature }

  public var teacherNeeds: Set<TeacherNeed> { [.logits] }
  public var studentRequest: ActivationRequest { .logits }

  public func callAsFunction(_ student: Activations, _ teacher: TeacherOutput) -> Tensor {
    let logits = student.requiredLogits()
    let studentLog = (logits / temperature).logSoftmax(1)
    let teacherLog = (teacher[.logits] / temperature).logSoftmax(1)
    return studentLog.klDivergence(logTarget: teacherLog) * (temperature * temperature / Double(logits.shape[0]))
  }
}
