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
  /// Measure accuracy after every so many epochs, and after the last.
  public var evaluateEvery: Int
  /// Threads for tensor work; 0 for one on each physical core.
  public var threads: Int
  /// Where to train.
  public var device: DeviceKind
  /// Of the student's and the teacher's convolutions and linear layers.
  public var precision: Precision
  /// On a CUDA device, capture the whole step in a CUDA graph.
  public var cudaGraph: Bool

  /// A recipe in which the schedule is `LearningRateSchedule.usual(epochs:)` unless one is given.
  public init(
    epochs: Int = 200, batchSize: Int = 128, seed: UInt64 = 1, planSeed: UInt64? = nil, planEpochs: Int? = nil,
    dropLast: Bool = true, optimizer: OptimizerOptions = .sgd(SGD.Options()), schedule: LearningRateSchedule? = nil,
    evaluateEvery: Int = 1, threads: Int = 0, device: DeviceKind = .cpu, precision: Precision = .float32,
    cudaGraph: Bool = true
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.seed = seed
    self.planSeed = planSeed
    self.planEpochs = planEpochs
    self.dropLast = dropLast
    self.optimizer = optimizer
    self.schedule = schedule ?? .usual(epochs: epochs)
    self.evaluateEvery = evaluateEvery
    self.threads = threads
    self.device = device
    self.precision = precision
    self.cudaGraph = cudaGraph
  }

  /// Sets up libtorch for this process as the recipe says.
  package func prepareRuntime() {
    Runtime.flushDenormals()
    Runtime.keepFreedMemory()
    Runtime.makeConvolutionsDeterministic()
    Runtime.threadCount = threads > 0 ? threads : Runtime.physicalCoreCount
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
    learningRate: Double, momentum: Double = 0.9, nesterov: Bool = true, weightDecay: Double = 5e-4
  ) -> OptimizerOptions {
    .sgd(
      SGD.Options(learningRate: learningRate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay))
  }

  /// Before the schedule.
  public var learningRate: Double {
    switch self {
    case .sgd(let options): options.learningRate
    case .adamW(let options): options.learningRate
    }
  }

  /// The optimiser over a run's parameters.
  public func optimizer(over parameters: [Tensor]) -> any Optimizer {
    switch self {
    case .sgd(let options):
      SGD(
        parameters, learningRate: options.learningRate, momentum: options.momentum, weightDecay: options.weightDecay,
        nesterov: options.nesterov)
    case .adamW(let options):
      AdamW(
        parameters, learningRate: options.learningRate, betas: (options.beta1, options.beta2),
        epsilon: options.epsilon, weightDecay: options.weightDecay)
    }
  }
}
