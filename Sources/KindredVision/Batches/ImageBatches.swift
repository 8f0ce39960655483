// Where a run's images come from: a thread ahead of the step, or the device's own memory.

import Kindred
import Torch

/// A run's training batches, planned by (seed, epoch).
///
/// For the CPU they are made on a thread ahead of the step. For a CUDA device the whole set lies on it and each batch is
/// made there. Both give the same bits.
public struct ImageBatches: BatchSource {
  private let images: ImageSet
  private let plan: BatchPlan
  private let epochs: Int
  private let resident: ResidentImages?

  /// The batches of `plan`, for so many epochs. A CUDA device takes the whole set at once.
  public init(_ images: ImageSet, plan: BatchPlan, epochs: Int, device: Device = .cpu) {
    self.init(images, plan: plan, epochs: epochs, resident: device == .cpu ? nil : .init(images, device: device))
  }

  init(_ images: ImageSet, plan: BatchPlan, epochs: Int, resident: ResidentImages?) {
    precondition(plan.count == images.count, "the plan is for \(plan.count) images, the set has \(images.count)")
    (self.images, self.plan, self.epochs, self.resident) = (images, plan, epochs, resident)
  }

  public var batchesPerEpoch: Int { plan.batchesPerEpoch }
  public var batchSize: Int { plan.batchSize }

  public func batches(from start: BatchPosition) -> any IteratorProtocol<Batch> {
    if let resident { return ResidentBatches(resident, plan, from: start, endEpoch: epochs) }
    let loader = BatchLoader(
      images: images, plan: plan, startEpoch: start.epoch, startBatch: start.batch, endEpoch: epochs, ahead: 3)
    return AnyIterator { loader.next()?.tensors }
  }
}

/// The plan's batches of images that lie on a device. An epoch's views cross to it at once.
private struct ResidentBatches: IteratorProtocol {
  private let images: ResidentImages
  private let plan: BatchPlan
  private let endEpoch: Int
  private var position: BatchPosition
  private var views: Tensor?

  init(_ images: ResidentImages, _ plan: BatchPlan, from start: BatchPosition, endEpoch: Int) {
    (self.images, self.plan, self.endEpoch, position) = (images, plan, endEpoch, start)
  }

  mutating func next() -> Batch? {
    if position.batch >= plan.batchesPerEpoch {
      position = BatchPosition(epoch: position.epoch + 1)
      views = nil
    }
    guard position.epoch < endEpoch, plan.batchesPerEpoch > 0 else { return nil }
    let views = self.views ?? images.views(plan.epoch(position.epoch).views)
    self.views = views
    defer { position.batch += 1 }
    let first = position.batch * plan.batchSize
    let range = first..<min(first + plan.batchSize, views.shape[1])
    return images.batch(views.narrowed(1, range), at: position)
  }
}

/// A set of images in file order, not augmented, every one of them once.
public struct EvaluationImages: Sequence {
  private let batches: EvaluationBatches
  private let images: ImageSet
  private let resident: ResidentImages?

  /// Batches of a set, on a device.
  public init(_ images: ImageSet, batchSize: Int = 200, device: Device = .cpu) {
    self.init(images, batchSize: batchSize, resident: device == .cpu ? nil : .init(images, device: device))
  }

  init(_ images: ImageSet, batchSize: Int, resident: ResidentImages?) {
    batches = EvaluationBatches(images, batchSize: batchSize)
    (self.images, self.resident) = (images, resident)
  }

  public func makeIterator() -> AnyIterator<Batch> {
    if let resident {
      let views = resident.views(batches.views)
      var ranges = batches.ranges.enumerated().makeIterator()
      return AnyIterator {
        ranges.next().map { index, range in
          resident.batch(views.narrowed(1, range), at: BatchPosition(batch: index))
        }
      }
    }
    let table = PixelTable(images)
    var bytes = batches.makeIterator()
    return AnyIterator { bytes.next().map { NormalizedBatch($0, of: images, table).tensors } }
  }
}
