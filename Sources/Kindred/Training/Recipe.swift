// How a network is trained: everything but the networks, the losses and the data.

import Torch

/// A recipe of training; the defaults are the paper's for CIFAR-10.
public struct Recipe: Sendable, Equatable {
  /// Passes over the training inputs.
  public var epochs: Int
  /// Inputs a step.
  public var batchSize: Int
  /// Initialises the networks, and draws what losses draw.
  public var seed: UInt64
  /// Orders and augments the inputs; nil for the same as `seed`.
  public var planSeed: UInt64?
  /// After how many epochs the plan of order, crops and flips begins again; nil for never.
  public var planEpochs: Int?
  /// Leaves out an epoch's last batch when it is smaller than the others.
  public var dropLast: Bool
  /// How parameters follow their gradients.
  public var optimizer: OptimizerOptions
  /// The learning rate in each epoch.
  public var schedule: LearningRateSchedule
  /// What the learning rate is multiplied by for the backbone: the student without what makes its logits, see
  /// `Network.headModules`.
  public var backboneRateFactor: Double
  /// The batches that make one step of the optimiser, by the mean of their losses; what is left at an epoch's end makes a
  /// step of its own, by the mean of as many as there are. Each loss sees its own batch alone: b x b stays b x b.
  public var accumulate: Int
  /// The L2 norm that the gradients of a step together are scaled down to where they are longer, see `clipGradients`; nil
  /// for no bound.
  public var clipGradients: Double?
  /// The decay of a moving average of the student's weights, see `ExponentialMovingAverage`; nil for none.
  public var ema: Double?
  /// Measure accuracy after every so many epochs, and after the last.
  public var evaluateEvery: Int
  /// The evaluations without a better accuracy after which a run ends; nil for all epochs.
  public var patience: Int?
  /// Threads for tensor work; 0 for one on each physical core.
  public var threads: Int
  /// Where to train.
  public var device: DeviceKind
  /// Of the student's and the teacher's convolutions and linear layers.
  public var precision: Precision
  /// On a CUDA device, capture the whole step in a CUDA graph.
  public var cudaGraph: Bool
  /// Where several processes share a batch, normalise by the statistics of all its inputs; else by those of a process's own.
  public var syncBatchNorm: Bool

  /// A recipe in which the schedule is `LearningRateSchedule.usual(epochs:)` unless one is given.
  public init(
    epochs: Int = 200, batchSize: Int = 128, seed: UInt64 = 1, planSeed: UInt64? = nil, planEpochs: Int? = nil,
    dropLast: Bool = true, optimizer: OptimizerOptions = .sgd(SGD.Options()), schedule: LearningRateSchedule? = nil,
    backboneRateFactor: Double = 1, accumulate: Int = 1, clipGradients: Double? = nil, ema: Double? = nil,
    evaluateEvery: Int = 1, patience: Int? = nil, threads: Int = 0, device: DeviceKind = .cpu,
    precision: Precision = .float32, cudaGraph: Bool = true, syncBatchNorm: Bool = false
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.seed = seed
    self.planSeed = planSeed
    self.planEpochs = planEpochs
    self.dropLast = dropLast
    self.optimizer = optimizer
    self.schedule = schedule ?? .usual(epochs: epochs)
    self.backboneRateFactor = backboneRateFactor
    self.accumulate = accumulate
    self.clipGradients = clipGradients
    self.ema = ema
    self.evaluateEvery = evaluateEvery
    self.patience = patience
    self.threads = threads
    self.device = device
    self.precision = precision
    self.cudaGraph = cudaGraph
    self.syncBatchNorm = syncBatchNorm
  }

  /// Sets up libtorch for this process as the recipe says; the cores are dealt out to as many processes as there are on this
  /// machine.
  package func prepareRuntime(processes: Int = 1) {
    Runtime.flushDenormals()
    Runtime.keepFreedMemory()
    Runtime.makeConvolutionsDeterministic()
    Runtime.threadCount = threads > 0 ? threads : Runtime.usualThreadCount(processes: processes)
  }

  /// The learning rate in an epoch, counted from 0.
  public func learningRate(epoch: Int) -> Double {
    schedule.learningRate(optimizer.learningRate, epoch: epoch, of: epochs)
  }
}

/// Where a network is trained.
public enum DeviceKind: String, Sendable, CaseIterable {
  case cpu
  /// The first CUDA device.
  case cuda

  /// The device itself.
  public var device: Device { self == .cuda ? .cuda(0) : .cpu }
}

/// An optimiser and its settings.
public enum OptimizerOptions: Sendable, Equatable {
  case sgd(SGD.Options)
  case adamW(AdamW.Options)

  /// Stochastic gradient descent.
  public static func sgd(
    learningRate: Double, momentum: Double = 0.9, nesterov: Bool = true, weightDecay: Double = 5e-4,
    weightDecayOn: WeightDecayScope = .all
  ) -> OptimizerOptions {
    .sgd(
      SGD.Options(
        learningRate: learningRate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay,
        weightDecayOn: weightDecayOn))
  }

  /// Before the schedule.
  public var learningRate: Double {
    switch self {
    case .sgd(let options): options.learningRate
    case .adamW(let options): options.learningRate
    }
  }

  /// How much parameters decay.
  public var weightDecay: Double {
    switch self {
    case .sgd(let options): options.weightDecay
    case .adamW(let options): options.weightDecay
    }
  }

  /// Which parameters decay.
  public var weightDecayOn: WeightDecayScope {
    switch self {
    case .sgd(let options): options.weightDecayOn
    case .adamW(let options): options.weightDecayOn
    }
  }

  /// The optimiser over a run's parameters, all alike.
  public func optimizer(over parameters: [Tensor]) -> any Optimizer {
    optimizer(over: [ParameterGroup(parameters, weightDecay: weightDecay)])
  }

  /// The optimiser over a run's parameters in groups, whose weight decay is their own.
  public func optimizer(over groups: [ParameterGroup]) -> any Optimizer {
    switch self {
    case .sgd(let options):
      SGD(groups, learningRate: options.learningRate, momentum: options.momentum, nesterov: options.nesterov)
    case .adamW(let options):
      AdamW(
        groups, learningRate: options.learningRate, betas: (options.beta1, options.beta2), epsilon: options.epsilon)
    }
  }
}
