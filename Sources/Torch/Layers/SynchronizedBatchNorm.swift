// Batch normalisation by the statistics of all processes' rows.

/// PyTorch's `SyncBatchNorm`: in training each channel is normalised by mean and variance of the rows of all ranks.
///
/// Each rank gives its own mean, variance and number of values a channel; of these come those of all, as Chan, Golub and LeVeque
/// put partial variances together. Backwards the gradients of these statistics are summed over the ranks.
package struct SynchronizedBatchNorm {
  @TaskLocal static var group: ProcessGroup?

  private let group: ProcessGroup
  private let parameters: BatchNormParameters
  private let momentum: Double

  init(_ group: ProcessGroup, _ parameters: BatchNormParameters, momentum: Double) {
    (self.group, self.parameters, self.momentum) = (group, parameters, momentum)
  }

  /// Lets the batch norms within `body` see the rows of all ranks of a group; nil for their own rows only.
  package static func `in`<Result>(_ group: ProcessGroup?, _ body: () throws -> Result) rethrows -> Result {
    try $group.withValue(group, operation: body)
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    let wide = input.to(parameters.weight.dtype)
    let axes = [0] + wide.shape.indices.dropFirst(2)
    let channels = wide.shape[1]
    let shape = [1, channels] + [Int](repeating: 1, count: wide.shape.count - 2)
    let count = Tensor.full([channels], Double(wide.count / channels), dtype: wide.dtype, device: wide.device)
    let own = Tensor.stacked([wide.mean(axes), wide.variance(axes, unbiased: false), count])
    let all = group.gatherStatistics(own)
    let (means, variances, counts) = (part(all, 0), part(all, 1), part(all, 2))
    let total = counts.sum([0])
    let weights = counts / total
    let mean = (means * weights).sum([0])
    let variance = ((variances + (means - mean).squared()) * weights).sum([0])
    moveRunningStatistics(mean, variance, total)
    let scale = parameters.weight / (variance + parameters.epsilon).sqrt()
    let output = (wide - mean.reshaped(shape)) * scale.reshaped(shape) + parameters.bias.reshaped(shape)
    return output.to(input.dtype)
  }

  /// Ranks x channels of ranks x 3 x channels.
  private func part(_ statistics: Tensor, _ index: Int) -> Tensor {
    statistics.narrowed(1, index..<index + 1).reshaped([statistics.shape[0], statistics.shape[2]])
  }

  private func moveRunningStatistics(_ mean: Tensor, _ variance: Tensor, _ count: Tensor) {
    withoutGradients {
      let unbiased = variance * (count / (count - 1))
      for (running, new) in [(parameters.mean, mean), (parameters.variance, unbiased)] {
        running.copyInPlace(running * (1 - momentum) + new * momentum)
      }
    }
  }
}
