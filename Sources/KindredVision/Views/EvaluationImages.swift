// A set of images to measure on, every one of them once.

import Kindred
import Torch

/// A set of images in file order, not augmented, every one of them once.
public struct EvaluationImages {
  private let images: ImageSet
  private let batchSize: Int
  private let device: Device
  private let resident: ResidentImages?

  /// Batches of a set, on a device.
  public init(_ images: ImageSet, batchSize: Int = 200, device: Device = .cpu) {
    let isResident = device != .cpu && ResidentImages.canHold(images, .none)
    self.init(
      images, batchSize: batchSize, device: device, resident: isResident ? .init(images, device: device) : nil)
  }

  init(_ images: ImageSet, batchSize: Int, device: Device = .cpu, resident: ResidentImages?) {
    precondition(batchSize > 0, "a batch holds at least one image")
    (self.images, self.batchSize) = (images, batchSize)
    (self.device, self.resident) = (device, resident)
  }

  /// From the first image to the last.
  public func batches() -> any BatchIterator {
    // Images in their own order: a plan that neither shuffles nor draws.
    let plan = BatchPlan(inOrder: images.count, batchSize: batchSize)
    return ImageBatches(images, plan: plan, epochs: 1, device: device, resident: resident)
      .batches(from: BatchPosition())
  }
}
