// Adam with decoupled weight decay.

import CTorch

/// `torch.optim.AdamW` (Loshchilov & Hutter, *Decoupled Weight Decay Regularization*, 2019), one fused libtorch call a
/// step for each group of parameters.
public final class AdamW: Optimizer {
  /// What makes one: the settings beside the parameters.
  public struct Options: Sendable, Equatable {
    /// The factor of a step before a schedule changes it.
    public var learningRate: Double
    /// How much of the mean gradient is kept from step to step.
    public var beta1: Double
    /// How much of the mean squared gradient is kept from step to step.
    public var beta2: Double
    /// Added to the root of the mean squared gradient.
    public var epsilon: Double
    /// The part of itself, times the learning rate, that a step takes off a parameter.
    public var weightDecay: Double
    /// Which parameters decay.
    public var weightDecayOn: WeightDecayScope

    /// PyTorch's defaults.
    public init(
      learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
      weightDecay: Double = 0.01, weightDecayOn: WeightDecayScope = .all
    ) {
      self.learningRate = learningRate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
      self.weightDecayOn = weightDecayOn
    }
  }

  /// A group and what is kept for it.
  private struct Group {
    let parameters: [Tensor]
    let weightDecay: Double
    let rate: GroupRate
    let firstMoments: [Tensor]
    let secondMoments: [Tensor]
    let steps: [Tensor]
  }

  public var learningRate: Double { didSet { for group in groups { group.rate.follow(learningRate) } } }
  /// How much of the mean gradient and of the mean squared gradient is kept.
  public let betas: (Double, Double)
  /// Added to the root of the mean squared gradient.
  public let epsilon: Double

  private let groups: [Group]

  /// `isCapturable` says whether a step can be captured and replayed with other learning rates, which are float32 then; by
  /// default on every device but the CPU.
  public convenience init(
    _ parameters: [Tensor], learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, isCapturable: Bool? = nil
  ) {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate, betas: betas,
      epsilon: epsilon, isCapturable: isCapturable)
  }

  /// Over groups of parameters, each with its own weight decay and its own part of the learning rate.
  public init(
    _ groups: [ParameterGroup], learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    isCapturable: Bool? = nil
  ) {
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.groups = groups.map { group in
      Group(
        parameters: group.parameters, weightDecay: group.weightDecay,
        rate: GroupRate(learningRate, of: group, isCapturable: isCapturable),
        firstMoments: group.parameters.map { $0.zerosLike() }, secondMoments: group.parameters.map { $0.zerosLike() },
        steps: group.parameters.map { .zeros([], device: $0.device) })
    }
  }

  public func step() {
    for group in groups { step(group) }
  }

  private func step(_ group: Group) {
    let gradients = group.parameters.map(gradientOrZeros)
    for step in group.steps { step.addInPlace(1) }
    let options = ct_adamw(
      learning_rate: group.rate.number(learningRate), beta1: betas.0, beta2: betas.1, weight_decay: group.weightDecay,
      epsilon: epsilon)
    let status = withHandles(group.parameters) { p in
      withHandles(gradients) { g in
        withHandles(group.firstMoments) { m in
          withHandles(group.secondMoments) { v in
            withHandles(group.steps) { s in ct_fused_adamw(p, g, m, v, s, group.rate.tensor?.handle, options) }
          }
        }
      }
    }
    check(status, "fused_adamw")
    for parameter in group.parameters { parameter.clearGradient() }
  }

  public var state: [String: Tensor] {
    let kept = groups.flatMap { Array(zip(zip($0.firstMoments, $0.secondMoments), $0.steps)) }
    return kept.enumerated().reduce(into: [:]) { state, entry in
      state["first_moment.\(entry.offset)"] = entry.element.0.0
      state["second_moment.\(entry.offset)"] = entry.element.0.1
      state["step.\(entry.offset)"] = entry.element.1
    }
  }

  public func load(_ state: [String: Tensor]) throws { try restore(self.state, from: state) }
}
