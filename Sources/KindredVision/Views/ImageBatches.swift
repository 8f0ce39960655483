// Where a run's images come from: threads ahead of the step, or the device's own memory.

import Kindred
import Torch

/// A run's training batches, planned by (seed, epoch).
///
/// They are made on threads ahead of the step, or, for a CUDA device and images that lie in memory as they are seen, on the
/// device, where the whole set lies then. Both give the same bits.
public struct ImageBatches: BatchSource {
  private let images: ImageSet
  private let teacher: ImageSet?
  private let plan: BatchPlan
  private let epochs: Int
  private let device: Device
  private let resident: ResidentImages?
  private let rank: Rank

  /// The batches of `plan`, for so many epochs; `teacher` are the same images, in the same order, as the teacher sees them,
  /// nil for as the student does. Of several processes each gets its rank's rows of every batch.
  public init(
    _ images: ImageSet, teacher: ImageSet? = nil, plan: BatchPlan, epochs: Int, device: Device = .cpu,
    rank: Rank = .only
  ) {
    let isResident = device != .cpu && teacher == nil && ResidentImages.canHold(images, plan.augmentation)
    self.init(
      images, teacher: teacher, plan: plan, epochs: epochs, device: device, rank: rank,
      resident: isResident ? .init(images, plan.augmentation, device: device) : nil)
  }

  init(
    _ images: ImageSet, teacher: ImageSet? = nil, plan: BatchPlan, epochs: Int, device: Device = .cpu,
    rank: Rank = .only, resident: ResidentImages?
  ) {
    precondition(plan.count == images.count, "the plan is for \(plan.count) images, the set has \(images.count)")
    precondition(teacher.map { $0.count == images.count } ?? true, "teacher and student see the same images")
    (self.images, self.teacher, self.plan, self.epochs) = (images, teacher, plan, epochs)
    (self.device, self.resident, self.rank) = (device, resident, rank)
  }

  public var batchesPerEpoch: Int { plan.batchesPerEpoch }
  public var batchSize: Int { plan.batchSize }
  public var labelledShare: Double {
    images.isUnlabelled ? 0 : 1 - Double(plan.unlabelled?.perBatch ?? 0) / Double(plan.batchSize)
  }

  public func batches(from start: BatchPosition) -> any BatchIterator { batches(from: start, atMost: .max) }

  /// The same, of which no more than `count` are asked for: none is made in vain.
  package func batches(from start: BatchPosition, atMost count: Int) -> any BatchIterator {
    if let resident { return mixed(ResidentBatches(resident, plan, from: start, endEpoch: epochs, rank: rank)) }
    let loader = BatchLoader(
      images: images, teacher: teacher, plan: plan, startEpoch: start.epoch, startBatch: start.batch, endEpoch: epochs,
      count: count, rank: rank)
    return mixed(LoadedBatches(loader: loader, device: device))
  }

  /// The batches mixed as the plan says.
  private func mixed(_ batches: any BatchIterator) -> any BatchIterator {
    guard plan.augmentation.mixes else { return batches }
    return MixedBatches(batches: batches, plan: plan, width: images.width, height: images.height)
  }
}

/// Batches of a loader, on a device.
private struct LoadedBatches: BatchIterator {
  let loader: BatchLoader
  let device: Device

  func next() throws -> Batch? { try loader.next()?.tensors.moved(to: device) }
}

/// Batches mixed on the device where they are.
private struct MixedBatches: BatchIterator {
  var batches: any BatchIterator
  let plan: BatchPlan
  let width: Int
  let height: Int

  mutating func next() throws -> Batch? {
    guard let batch = try batches.next() else { return nil }
    return plan.mixer(at: batch.position, width: width, height: height)?(batch) ?? batch
  }
}

/// The plan's batches of images that lie on a device. An epoch's views cross to it at once.
private struct ResidentBatches: BatchIterator {
  private let images: ResidentImages
  private let plan: BatchPlan
  private let endEpoch: Int
  private let rank: Rank
  private var position: BatchPosition
  private var views: Tensor?

  init(_ images: ResidentImages, _ plan: BatchPlan, from start: BatchPosition, endEpoch: Int, rank: Rank) {
    (self.images, self.plan, self.endEpoch, self.rank, position) = (images, plan, endEpoch, rank, start)
  }

  /// The next batch that the rank has a row of.
  mutating func next() -> Batch? {
    if position.batch >= plan.batchesPerEpoch {
      position = BatchPosition(epoch: position.epoch + 1)
      views = nil
    }
    guard position.epoch < endEpoch, plan.batchesPerEpoch > 0 else { return nil }
    let views = self.views ?? images.views(plan.epoch(position.epoch).views)
    self.views = views
    let at = position
    position.batch += 1
    let first = at.batch * plan.batchSize
    let range = first..<min(first + plan.batchSize, views.shape[1])
    let all = views.narrowed(1, range)
    guard rank.count > 1 else { return images.batch(all, at: at) }
    guard !rank.rows(of: range.count).isEmpty else { return next() }
    return images.batch(all, of: rank, plan.augmentation, at: at)
  }
}
