// A set of images to measure on, every one of them once.

import Kindred
import Torch

/// A set of images in file order, not augmented, every one of them once.
public struct EvaluationImages {
  private let images: ImageSet
  private let batchSize: Int
  private let device: Device
  private let resident: ResidentImages?
  private let rank: Rank

  /// Batches of a set, on a device; of several processes each gets its rank's rows.
  public init(_ images: ImageSet, batchSize: Int = 200, device: Device = .cpu, rank: Rank = .only) {
    let isResident = device != .cpu && ResidentImages.canHold(images, .none)
    self.init(
      images, batchSize: batchSize, device: device, rank: rank,
      resident: isResident ? .init(images, device: device) : nil)
  }

  init(
    _ images: ImageSet, batchSize: Int, device: Device = .cpu, rank: Rank = .only, resident: ResidentImages?
  ) {
    precondition(batchSize > 0, "a batch holds at least one image")
    (self.images, self.batchSize) = (images, batchSize)
    (self.device, self.resident, self.rank) = (device, resident, rank)
  }

  /// From the first image to the last.
  public func batches() -> any BatchIterator {
    // Images in their own order: a plan that neither shuffles nor draws.
    let plan = BatchPlan(inOrder: images.count, batchSize: batchSize)
    return ImageBatches(images, plan: plan, epochs: 1, device: device, rank: rank, resident: resident)
      .batches(from: BatchPosition())
  }
}
