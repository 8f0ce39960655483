import Kindred
import Torch

/// The mean squared difference of the two networks' centred logits.
struct CentredLogits: DistillationLoss {
  let statistics: Set<TeacherStatistic> = [.logits]
  let request = ActivationRequest.logits

  func callAsFunction(_ step: Step) -> Tensor {
    centred(step.student.requiredLogits()).meanSquaredError(centred(step.teacher[.logits]))
  }

  private func centred(_ logits: Tensor) -> Tensor { logits - logits.mean([1], keepingAxes: true) }
}

let objective = Objective([.crossEntropy(), .init("centred", CentredLogits(), weight: 1)])
// snippet.hide
print(objective.statistics.map(\.name))
