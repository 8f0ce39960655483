/// What a configuration may say and yet does nothing: allowed, since a long recipe is often tried over few epochs or with
/// a term switched off, but never in silence.

import Kindred
import Torch

extension Configuration {
  /// Settings that do nothing, a line each: the key, why, and what to do.
  public var warnings: [String] {
    (training.schedule.warnings(epochs: training.epochs, learningRate: training.optimizer.learningRate)
      + losses.warnings + (teacher?.warnings ?? [])).map { "\($0.key): \($0.message)" }
  }
}

private typealias Warning = (key: String, message: String)

extension LearningRateSchedule {
  fileprivate func warnings(epochs: Int, learningRate: Double) -> [Warning] {
    switch shape {
    case .step(let milestones, let factor):
      return stepWarnings(milestones, factor, epochs: epochs).map { ("training.schedule.\($0.key)", $0.message) }
    case .cosine(learningRate):
      return [
        (
          "training.schedule.minimum",
          "\(learningRate) is the learning rate itself, which so never falls; use a smaller one"
        )
      ]
    case .cosine, .constant: return []
    }
  }

  private func stepWarnings(_ milestones: [Int], _ factor: Double, epochs: Int) -> [Warning] {
    guard !milestones.isEmpty else {
      return [("milestones", "there are none, so the rate never changes; name some, or write name: constant")]
    }
    // The milestones that nobody wrote fit the epochs as well as a run of one or two epochs lets them.
    let late = milestones == Self.usualMilestones(epochs: epochs) ? [] : milestones.filter { $0 >= epochs }
    var warnings: [Warning] = []
    if !late.isEmpty {
      let (list, verb) = (late.map(String.init).joined(separator: ", "), late.count == 1 ? "never comes" : "never come")
      let length = epochs == 1 ? "1 epoch" : "\(epochs) epochs"
      warnings.append(("milestones", "\(list) \(verb) in a run of \(length); use smaller ones, or more epochs"))
    }
    if factor == 1 {
      warnings.append(("factor", "1 leaves the rate as it is; use one below 1, or write name: constant"))
    }
    return warnings
  }
}

extension Configuration.Losses {
  fileprivate var warnings: [Warning] {
    let keys = terms.filter { $0.value == 0 }.map { "\($0.id).\($0.weightKey)" }
    return keys.map { ("losses.\($0)", "0 switches the term off; give it a weight, or take the term out") }
  }
}

extension Configuration.Teacher {
  fileprivate var warnings: [Warning] {
    guard precision == .float32, quantization != Configuration.Quantization() else { return [] }
    return [("teacher.int8", "does nothing in float32; write precision: int8, or take the section out")]
  }
}
