// Stochastic gradient descent.

import CTorch

/// `torch.optim.SGD`: with g the gradient plus weightDecay * p, the momentum buffer is v = momentum * v + g (v = g at
/// first), and p -= learningRate * (g + momentum * v with Nesterov's form, else v). One fused libtorch call a step for each
/// group of parameters.
public final class SGD: Optimizer {
  /// What makes one: the settings beside the parameters.
  public struct Options: Sendable, Equatable {
    /// The factor of a step before a schedule changes it.
    public var learningRate: Double
    /// How much of the buffer is kept from step to step.
    public var momentum: Double
    /// Whether a step looks ahead by the momentum.
    public var nesterov: Bool
    /// How much of a parameter is added to its gradient.
    public var weightDecay: Double
    /// Which parameters decay.
    public var weightDecayOn: WeightDecayScope

    /// The usual settings on CIFAR where nothing else is given.
    public init(
      learningRate: Double = 0.1, momentum: Double = 0.9, nesterov: Bool = true, weightDecay: Double = 5e-4,
      weightDecayOn: WeightDecayScope = .all
    ) {
      self.learningRate = learningRate
      self.momentum = momentum
      self.nesterov = nesterov
      self.weightDecay = weightDecay
      self.weightDecayOn = weightDecayOn
    }
  }

  /// A group and what is kept for it.
  private struct Group {
    let parameters: [Tensor]
    let weightDecay: Double
    let rate: GroupRate
    let momenta: [Tensor]
  }

  public var learningRate: Double { didSet { for group in groups { group.rate.follow(learningRate) } } }
  /// How much of the buffer is kept from step to step.
  public let momentum: Double
  /// Whether a step looks ahead by the momentum.
  public let isNesterov: Bool

  private let groups: [Group]

  /// `isCapturable` says whether a step can be captured and replayed with other learning rates, which are float32 then; by
  /// default on every device but the CPU.
  public convenience init(
    _ parameters: [Tensor], learningRate: Double, momentum: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false, isCapturable: Bool? = nil
  ) {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate, momentum: momentum,
      nesterov: nesterov, isCapturable: isCapturable)
  }

  /// Over groups of parameters, each with its own weight decay and its own part of the learning rate.
  public init(
    _ groups: [ParameterGroup], learningRate: Double, momentum: Double = 0, nesterov: Bool = false,
    isCapturable: Bool? = nil
  ) {
    self.learningRate = learningRate
    self.momentum = momentum
    isNesterov = nesterov
    self.groups = groups.map { group in
      Group(
        parameters: group.parameters, weightDecay: group.weightDecay,
        rate: GroupRate(learningRate, of: group, isCapturable: isCapturable),
        // A buffer that starts at zero gives v = g at the first step, so that no first step needs telling apart.
        momenta: momentum == 0 ? [] : group.parameters.map { $0.zerosLike() })
    }
  }

  public func step() {
    for group in groups { step(group) }
  }

  private func step(_ group: Group) {
    let gradients = group.parameters.map(gradientOrZeros)
    let options = ct_sgd(
      learning_rate: group.rate.number(learningRate), momentum: momentum, weight_decay: group.weightDecay,
      nesterov: isNesterov, is_first_step: false)
    let status = withHandles(group.parameters) { p in
      withHandles(gradients) { g in
        withHandles(group.momenta) { m in ct_fused_sgd(p, g, m, group.rate.tensor?.handle, options) }
      }
    }
    check(status, "fused_sgd")
    for parameter in group.parameters { parameter.clearGradient() }
  }

  public var state: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: groups.flatMap(\.momenta).enumerated().map { ("momentum.\($0)", $1) })
  }

  public func load(_ state: [String: Tensor]) throws { try restore(self.state, from: state) }
}

/// A parameter that no loss reached has a gradient of zero: weight decay and momentum still act on it.
func gradientOrZeros(_ parameter: Tensor) -> Tensor { parameter.gradient ?? parameter.zerosLike() }
