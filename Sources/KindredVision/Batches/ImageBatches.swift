// From bytes to normalised tensors: the one place where images enter the networks.

import Kindred
import Torch

/// Turns batches of bytes into channels-last float32 tensors: (pixel / 255 - mean) / deviation, channel by channel.
struct ImageNormalization {
  private let scale: Tensor
  private let shift: Tensor
  private let device: Device

  init(_ images: ImageSet, device: Device) {
    let channels = images.channels
    let scales = images.channelDeviation.map { 1 / (255 * $0) }
    let shifts = zip(images.channelMean, images.channelDeviation).map { -$0 / $1 }
    scale = Tensor(scales, shape: [1, channels, 1, 1]).to(device: device)
    shift = Tensor(shifts, shape: [1, channels, 1, 1]).to(device: device)
    self.device = device
  }

  func batch(_ bytes: ByteBatch, of images: ImageSet) -> Batch {
    let shape = [bytes.count, images.height, images.width, images.channels]
    // The bytes are N x H x W x C; seen as N x C x H x W that is the channels-last layout, without a copy.
    let pixels = Tensor(bytes.pixels, shape: shape).to(device: device).permuted([0, 3, 1, 2])
    return Batch(
      images: pixels.to(.float32) * scale + shift,
      labels: Tensor(bytes.labels, shape: [bytes.count]).to(device: device),
      position: BatchPosition(epoch: bytes.epoch, batch: bytes.index))
  }
}

/// A run's training batches: planned by (seed, epoch), augmented on a thread ahead of the step.
public struct ImageBatches: BatchSource {
  private let images: ImageSet
  private let plan: BatchPlan
  private let epochs: Int
  private let normalization: ImageNormalization

  public init(_ images: ImageSet, plan: BatchPlan, epochs: Int, device: Device = .cpu) {
    self.images = images
    self.plan = plan
    self.epochs = epochs
    normalization = ImageNormalization(images, device: device)
  }

  public var batchesPerEpoch: Int { plan.batchesPerEpoch }
  public var batchSize: Int { plan.batchSize }

  public func batches(from start: BatchPosition) -> any IteratorProtocol<Batch> {
    let loader = BatchLoader(
      images: images, plan: plan, startEpoch: start.epoch, startBatch: start.batch, endEpoch: epochs, ahead: 3)
    return AnyIterator { loader.next().map { normalization.batch($0, of: images) } }
  }
}

/// A set of images in file order, not augmented, every one of them once.
public struct EvaluationImages: Sequence {
  private let images: ImageSet
  private let batchSize: Int
  private let normalization: ImageNormalization

  public init(_ images: ImageSet, batchSize: Int = 200, device: Device = .cpu) {
    self.images = images
    self.batchSize = batchSize
    normalization = ImageNormalization(images, device: device)
  }

  public func makeIterator() -> AnyIterator<Batch> {
    var batches = EvaluationBatches(images, batchSize: batchSize).makeIterator()
    return AnyIterator { batches.next().map { normalization.batch($0, of: images) } }
  }
}
