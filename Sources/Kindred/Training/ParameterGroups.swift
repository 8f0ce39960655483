// Which parameters of a run are trained at which part of the learning rate, and which of them decay.

import Torch

/// A parameter that a run trains.
struct TrainedParameter {
  /// As in the student's or the loss's own state.
  let name: String
  let tensor: Tensor
  /// Whether it belongs to the student, before what makes its logits.
  let isBackbone: Bool

  /// Those of a student, and of what losses train beside it, in the optimiser's order.
  static func all(student: Network, objective: Objective) -> [TrainedParameter] {
    let head = Set(student.headModules.flatMap(\.parameters).map { ObjectIdentifier($0) })
    let own = student.trained.map {
      TrainedParameter(name: $0.name, tensor: $0.tensor, isBackbone: !head.contains(ObjectIdentifier($0.tensor)))
    }
    // What a loss has made a part of the student is there already.
    let known = Set(own.map { ObjectIdentifier($0.tensor) })
    return own
      + objective.modules.flatMap(\.module.trained).filter { !known.contains(ObjectIdentifier($0.tensor)) }.map {
        TrainedParameter(name: $0.name, tensor: $0.tensor, isBackbone: false)
      }
  }
}

extension Module {
  fileprivate var trained: [(name: String, tensor: Tensor)] { state.filter(\.tensor.requiresGradient) }
}

extension Recipe {
  /// Parameters in groups that are trained alike, each group in their order; one group where all are.
  func groups(_ parameters: [TrainedParameter]) -> [ParameterGroup] {
    struct Kind: Hashable {
      let isBackbone: Bool
      let decays: Bool
    }
    var kinds: [Kind] = []
    var members: [Kind: [Tensor]] = [:]
    for parameter in parameters {
      let kind = Kind(
        isBackbone: backboneRateFactor != 1 && parameter.isBackbone,
        decays: optimizer.weightDecayOn.includes(parameter.name, parameter.tensor))
      if members[kind] == nil { kinds.append(kind) }
      members[kind, default: []].append(parameter.tensor)
    }
    return kinds.map {
      ParameterGroup(
        members[$0] ?? [], rateFactor: $0.isBackbone ? backboneRateFactor : 1,
        weightDecay: $0.decays ? optimizer.weightDecay : 0)
    }
  }
}
