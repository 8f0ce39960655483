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

  /// Scale and shift in steps of an int8 reader, half a step added so that cutting off rounds.
  private var quantized: (scale: Double, weight: Tensor, bias: Tensor)?

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

  /// The norm, and with `relu` a ReLU after it, in place: going backwards does not need the norm's output again.
  public func callAsFunction(_ input: Tensor, relu: Bool = false) -> Tensor {
    if isTraining { batchesTracked.addInPlace(1) }
    let output = normalized(input, weight, bias)
    if relu { output.reluInPlace() }
    return output
  }

  /// The norm and a ReLU as `reader` takes them: once that is an int8 layer, as uint8.
  public func callAsFunction(_ input: Tensor, reluFeeding reader: Convolution) -> Tensor {
    guard let scale = reader.inputScale else { return self(input, relu: true) }
    if quantized?.scale != scale {
      // Later changes of the parameters have no effect, as in a folded layer.
      quantized = (scale, weight.detached() / scale, bias.detached() / scale + 0.5)
    }
    guard let quantized else { return self(input, relu: true) }
    // The steps' size is folded into the norm's scale and shift, and clamping at zero is the ReLU.
    return normalized(input, quantized.weight, quantized.bias).truncatedToBytes()
  }

  private func normalized(_ input: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    adopt(
      ct_batch_norm(
        input.handle, weight.handle, bias.handle, runningMean.handle, runningVariance.handle, isTraining, momentum,
        epsilon),
      "batch_norm", [input, weight])
  }
}
