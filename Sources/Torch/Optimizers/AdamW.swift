// Adam with decoupled weight decay.

import CTorch

/// `torch.optim.AdamW` (Loshchilov & Hutter, *Decoupled Weight Decay Regularization*, 2019), one fused libtorch call a
/// step.
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

    /// PyTorch's defaults.
    public init(
      learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
      weightDecay: Double = 0.01
    ) {
      self.learningRate = learningRate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  public var learningRate: Double { didSet { rate.set(learningRate) } }
  /// How much of the mean gradient and of the mean squared gradient is kept.
  public let betas: (Double, Double)
  /// Added to the root of the mean squared gradient.
  public let epsilon: Double
  /// The part of itself, times the learning rate, that a step takes off a parameter.
  public let weightDecay: Double

  private let parameters: [Tensor]
  private let rate: DeviceRate
  private let firstMoments: [Tensor]
  private let secondMoments: [Tensor]
  private let steps: [Tensor]

  /// `isCapturable` says whether a step can be captured and replayed with other learning rates, which are float32 then; by
  /// default on every device but the CPU.
  public init(
    _ parameters: [Tensor], learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, isCapturable: Bool? = nil
  ) {
    self.parameters = parameters
    rate = DeviceRate(learningRate, for: parameters, isCapturable: isCapturable)
    self.learningRate = learningRate
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    firstMoments = parameters.map { $0.zerosLike() }
    secondMoments = parameters.map { $0.zerosLike() }
    steps = parameters.map { .zeros([], device: $0.device) }
  }

  public func step() {
    let gradients = parameters.map(gradientOrZeros)
    for step in steps { step.addInPlace(1) }
    let options = ct_adamw(
      learning_rate: learningRate, beta1: betas.0, beta2: betas.1, weight_decay: weightDecay, epsilon: epsilon)
    let status = withHandles(parameters) { p in
      withHandles(gradients) { g in
        withHandles(firstMoments) { m in
          withHandles(secondMoments) { v in
            withHandles(steps) { s in ct_fused_adamw(p, g, m, v, s, rate.tensor?.handle, options) }
          }
        }
      }
    }
    check(status, "fused_adamw")
    for parameter in parameters { parameter.clearGradient() }
  }

  public var state: [String: Tensor] {
    var state: [String: Tensor] = [:]
    for index in parameters.indices {
      state["first_moment.\(index)"] = firstMoments[index]
      state["second_moment.\(index)"] = secondMoments[index]
      state["step.\(index)"] = steps[index]
    }
    return state
  }

  public func load(_ state: [String: Tensor]) throws { try restore(self.state, from: state) }
}
