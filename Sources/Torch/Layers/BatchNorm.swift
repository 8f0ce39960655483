// Batch normalisation over images.

import CTorch

/// Normalises each channel of N x C x H x W, `torch.nn.BatchNorm2d`.
///
/// In training by the batch's mean and variance, which also move the running ones; in evaluation by the running ones.
/// Initialised as PyTorch does: scale 1, shift 0.
public final class BatchNorm: Module {
  /// The scale of each channel, trained.
  public let weight: Tensor
  /// The shift of each channel, trained.
  public let bias: Tensor
  /// The running mean of each channel.
  public let runningMean: Tensor
  /// The running variance of each channel.
  public let runningVariance: Tensor
  /// Batches seen in training: kept since PyTorch's files hold it.
  public let batchesTracked: Tensor

  /// What each batch adds to the running statistics.
  public let momentum: Double
  /// Added to the variance before its root is taken.
  public let epsilon: Double

  /// A norm over so many channels, on the CPU.
  public init(_ channels: Int, momentum: Double = 0.1, epsilon: Double = 1e-5) {
    weight = .ones([channels])
    bias = .zeros([channels])
    runningMean = .zeros([channels])
    runningVariance = .ones([channels])
    batchesTracked = Tensor(0, dtype: .int64)
    self.momentum = momentum
    self.epsilon = epsilon
    weight.requiresGradient = true
    bias.requiresGradient = true
  }

  public override var entryNames: [String: String] {
    ["runningMean": "running_mean", "runningVariance": "running_var", "batchesTracked": "num_batches_tracked"]
  }

  /// The norm of a batch. While a network is traced, that of evaluation.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    let usesBatch = isTraining && !OperationRecorder.isRecording
    if usesBatch { batchesTracked.addInPlace(1) }
    return input.batchNormalized(
      BatchNormParameters(weight: weight, bias: bias, mean: runningMean, variance: runningVariance, epsilon: epsilon),
      training: usesBatch, momentum: momentum)
  }
}

extension Tensor {
  /// Each channel by the batch's mean and variance, which also move the running ones by `momentum`, or by those.
  ///
  /// Within `SynchronizedBatchNorm.in(_:)` the batch is that of all processes.
  package func batchNormalized(
    _ parameters: BatchNormParameters, training: Bool = false, momentum: Double = 0
  ) -> Tensor {
    if training, let group = SynchronizedBatchNorm.group {
      return SynchronizedBatchNorm(group, parameters, momentum: momentum)(self)
    }
    return adopt(
      ct_batch_norm(
        handle, parameters.weight.handle, parameters.bias.handle, parameters.mean.handle, parameters.variance.handle,
        training, momentum, parameters.epsilon),
      "batch_norm", [self, parameters.weight, parameters.bias, parameters.mean, parameters.variance],
      ["eps": .number(parameters.epsilon), "momentum": .number(momentum)])
  }
}
