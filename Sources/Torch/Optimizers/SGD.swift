// Stochastic gradient descent.

import CTorch

/// `torch.optim.SGD`: with g the gradient plus weightDecay * p, the momentum buffer is v = momentum * v + g (v = g at
/// first), and p -= learningRate * (g + momentum * v with Nesterov's form, else v). One fused libtorch call a step.
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

    /// The usual settings on CIFAR where nothing else is given.
    public init(
      learningRate: Double = 0.1, momentum: Double = 0.9, nesterov: Bool = true, weightDecay: Double = 5e-4
    ) {
      self.learningRate = learningRate
      self.momentum = momentum
      self.nesterov = nesterov
      self.weightDecay = weightDecay
    }
  }

  public var learningRate: Double { didSet { rate.set(learningRate) } }
  /// How much of the buffer is kept from step to step.
  public let momentum: Double
  /// How much of a parameter is added to its gradient.
  public let weightDecay: Double
  /// Whether a step looks ahead by the momentum.
  public let isNesterov: Bool

  private let parameters: [Tensor]
  private let rate: DeviceRate
  private let momenta: [Tensor]

  /// `isCapturable` says whether a step can be captured and replayed with other learning rates, which are float32 then; by
  /// default on every device but the CPU.
  public init(
    _ parameters: [Tensor], learningRate: Double, momentum: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false, isCapturable: Bool? = nil
  ) {
    self.parameters = parameters
    rate = DeviceRate(learningRate, for: parameters, isCapturable: isCapturable)
    self.learningRate = learningRate
    self.momentum = momentum
    self.weightDecay = weightDecay
    isNesterov = nesterov
    // A buffer that starts at zero gives v = g at the first step, so that no first step needs telling apart.
    momenta = momentum == 0 ? [] : parameters.map { $0.zerosLike() }
  }

  public func step() {
    let gradients = parameters.map(gradientOrZeros)
    let options = ct_sgd(
      learning_rate: learningRate, momentum: momentum, weight_decay: weightDecay, nesterov: isNesterov,
      is_first_step: false)
    let status = withHandles(parameters) { p in
      withHandles(gradients) { g in withHandles(momenta) { m in ct_fused_sgd(p, g, m, rate.tensor?.handle, options) } }
    }
    check(status, "fused_sgd")
    for parameter in parameters { parameter.clearGradient() }
  }

  public var state: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: momenta.enumerated().map { ("momentum.\($0)", $1) })
  }

  public func load(_ state: [String: Tensor]) throws { try restore(self.state, from: state) }
}

/// A parameter that no loss reached has a gradient of zero: weight decay and momentum still act on it.
func gradientOrZeros(_ parameter: Tensor) -> Tensor { parameter.gradient ?? parameter.zerosLike() }
