// From a configuration's losses to the objective that a run minimises.

import Kindred
import KindredVision
import Torch

extension Configuration {
  /// The objective. Weights that are still to be found are nil in it.
  /// - Parameters:
  ///   - teacher: what the teacher gives; nil without one.
  ///   - generator: initialises what the methods train themselves.
  func objective(teacher: TeacherDescription?, _ generator: Generator) -> Objective {
    var terms: [Objective.Term] = []
    if let sp = losses.sp { terms.append(.init(SimilarityPreserving(sp.layers), weight: sp.weight.value)) }
    if let kd = losses.kd {
      terms.append(.init(KnowledgeDistillation(temperature: kd.temperature), weight: kd.alpha))
    }
    if let at = losses.at {
      let pairs = at.layers.map { attentionPair($0, teacher) }
      terms.append(.init(AttentionTransfer(pairs), weight: at.weight.value))
    }
    if let hint = losses.hint {
      let pair = hint.layers[0]
      terms.append(.init(Hint(pair, adapter: adapter(pair, teacher, generator)), weight: hint.weight.value))
    }
    return Objective(crossEntropyWeight: losses.crossEntropy * (1 - (losses.kd?.alpha ?? 0)), terms: terms)
  }

  private func attentionPair(_ pair: LayerPair, _ teacher: TeacherDescription?) -> AttentionTransfer.Pair {
    AttentionTransfer.Pair(
      pair, studentSize: shape(pair.student, of: studentDescription)[1],
      teacherSize: shape(pair.teacher, of: teacher)[1])
  }

  private func adapter(_ pair: LayerPair, _ teacher: TeacherDescription?, _ generator: Generator) -> HintAdapter {
    let (own, other) = (shape(pair.student, of: studentDescription), shape(pair.teacher, of: teacher))
    let adapter = HintAdapter(
      student: (own[0], own[1]), teacher: (other[0], other[1]), generator: generator)
    adapter.move(to: .cpu)
    return adapter
  }

  private func shape(_ tap: String, of network: TeacherDescription?) -> [Int] {
    guard let shape = network?.taps[tap] else {
      preconditionFailure("a checked configuration has a teacher where one is needed, and names only taps that exist")
    }
    return shape
  }
}

extension Configuration.Losses {
  /// Sets the weight that calibration found for a method.
  mutating func setFound(_ weight: Double, for method: String) {
    switch method {
    case "sp": sp?.weight.setFound(weight)
    case "at": at?.weight.setFound(weight)
    case "hint": hint?.weight.setFound(weight)
    default: preconditionFailure("\(method) has no weight to be found")
    }
  }

  /// The methods whose weight is still to be found.
  var uncalibrated: [(method: String, calibration: Configuration.Calibration)] {
    activationTerms.compactMap { method, loss in
      guard case .automatic(let calibration, nil) = loss.weight else { return nil }
      return (method, calibration)
    }
  }

  /// The weights in use, by method.
  var weights: [String: Double] {
    var weights = ["cross_entropy": crossEntropy * (1 - (kd?.alpha ?? 0))]
    if let kd { weights["kd"] = kd.alpha }
    for (method, loss) in activationTerms { weights[method] = loss.weight.value }
    return weights
  }
}

extension Configuration.Weight {
  fileprivate mutating func setFound(_ weight: Double) {
    if case .automatic(let calibration, _) = self { self = .automatic(calibration, found: weight) }
  }
}

extension Configuration.Training {
  /// The optimiser over a run's parameters.
  func optimizer(over parameters: [Tensor]) -> any Torch.Optimizer {
    switch optimizer {
    case .sgd(let sgd):
      SGD(
        parameters, learningRate: sgd.learningRate, momentum: sgd.momentum, weightDecay: sgd.weightDecay,
        nesterov: sgd.nesterov)
    case .adamW(let adamw):
      AdamW(
        parameters, learningRate: adamw.learningRate, betas: (adamw.beta1, adamw.beta2), epsilon: adamw.epsilon,
        weightDecay: adamw.weightDecay)
    }
  }

  var baseLearningRate: Double {
    switch optimizer {
    case .sgd(let sgd): sgd.learningRate
    case .adamW(let adamw): adamw.learningRate
    }
  }

  /// The factor of the base learning rate by epoch.
  var learningRateSchedule: LearningRateSchedule {
    switch schedule.shape {
    case .constant: LearningRateSchedule(.constant, warmUpEpochs: schedule.warmUpEpochs)
    case .step(let milestones, let factor):
      LearningRateSchedule(.step(milestones: milestones, factor: factor), warmUpEpochs: schedule.warmUpEpochs)
    case .cosine(let minimum):
      LearningRateSchedule(.cosine(minimum: minimum / baseLearningRate), warmUpEpochs: schedule.warmUpEpochs)
    }
  }
}
