// Batches of inputs as tensors, and where they come from.

import Torch

/// A batch of N inputs.
public struct Batch {
  /// N x C x H x W (or any other shape the networks take), on the device of the run.
  public let images: Tensor
  /// N, int64.
  public let labels: Tensor
  /// Where in the run the batch stands.
  public let position: BatchPosition

  public init(images: Tensor, labels: Tensor, position: BatchPosition) {
    self.images = images
    self.labels = labels
    self.position = position
  }
}

/// A place in the sequence of batches, both counted from 0.
public struct BatchPosition: Sendable, Hashable, Codable {
  public var epoch: Int
  public var batch: Int

  public init(epoch: Int = 0, batch: Int = 0) {
    self.epoch = epoch
    self.batch = batch
  }
}

/// The training batches of a run. The same position always gives the same batch.
public protocol BatchSource {
  var batchesPerEpoch: Int { get }
  var batchSize: Int { get }

  /// The batches from a position to the run's end, in order.
  func batches(from start: BatchPosition) -> any IteratorProtocol<Batch>
}
