// Which image a step sees, and what is done to it: a pure function of seed and epoch.

import Kindred

/// One image as one step sees it.
package struct View: Sendable, Equatable {
  /// The image's place in its set.
  package let index: Int32
  /// What its crop and all else is drawn from; nil for the image as evaluation sees it.
  let random: SplitMix64?

  /// By default the image as evaluation sees it.
  package init(index: Int32, random: SplitMix64? = nil) { (self.index, self.random) = (index, random) }
}

/// All that is random about the training data: order, crops and all else of every epoch.
///
/// Nothing is remembered from one epoch to the next, so that a run can be resumed anywhere. What is drawn for an image
/// depends on seed, epoch and its own index alone, neither on the order nor on the batch size; how a batch is mixed, on seed,
/// epoch and its place in it.
public struct BatchPlan: Sendable {
  /// How many images there are.
  public let count: Int
  /// Images in a batch.
  public let batchSize: Int
  /// The run's seed.
  public let seed: UInt64
  /// What is done to every image.
  public let augmentation: Augmentation
  /// Whether a last batch that is smaller than the others is left out.
  public let dropsLast: Bool
  /// After how many epochs the plan begins again; nil for never.
  public let repeatsAfter: Int?
  private let isShuffled: Bool
  /// The images without a class, which come last, and their part of each batch; nil where all are alike.
  public let unlabelled: Unlabelled?
  /// How many images lie in each archive, for sets that are read archive by archive; nil for others.
  private let shardSizes: [Int]?

  /// Images without a class that go with the others.
  public struct Unlabelled: Sendable, Equatable {
    /// How many there are.
    public let count: Int
    /// How many of them are in each batch, behind those with a class.
    public let perBatch: Int

    /// Some of each batch, but not all of it.
    public init(count: Int, perBatch: Int) { (self.count, self.perBatch) = (count, perBatch) }
  }

  /// A plan for `count` images in batches of `batchSize`, at least 1.
  public init(
    count: Int, batchSize: Int, seed: UInt64, augmentation: Augmentation, dropsLast: Bool = true,
    repeatsAfter: Int? = nil, shardSizes: [Int]? = nil, unlabelled: Unlabelled? = nil
  ) {
    precondition(repeatsAfter.map { $0 > 0 } ?? true, "a plan repeats after one epoch or more")
    self.repeatsAfter = repeatsAfter
    precondition((0...Int(Int32.max)).contains(count), "a plan is for at most 2^31 - 1 images")
    precondition(batchSize > 0, "a batch holds at least one image")
    (self.count, self.batchSize, self.seed) = (count, batchSize, seed)
    precondition(shardSizes.map { $0.reduce(0, +) == count } ?? true, "all images lie in the archives")
    (self.augmentation, self.dropsLast, isShuffled) = (augmentation, dropsLast, true)
    precondition(
      unlabelled.map { $0.count <= count && $0.count >= $0.perBatch && (1..<batchSize).contains($0.perBatch) } ?? true,
      "a part of each batch has no class")
    (self.shardSizes, self.unlabelled) = (shardSizes, unlabelled)
  }

  /// Every image once, in order and as evaluation sees it.
  init(inOrder count: Int, batchSize: Int) {
    (self.count, self.batchSize, seed, repeatsAfter) = (count, batchSize, 0, nil)
    (augmentation, dropsLast, isShuffled, shardSizes, unlabelled) = (.none, false, false, nil, nil)
  }

  /// Batches in an epoch, which sees every image with a class once; 0 if the images do not fill one batch and the smaller last
  /// one is dropped.
  public var batchesPerEpoch: Int {
    dropsLast ? labelledCount / labelledPerBatch : (labelledCount + labelledPerBatch - 1) / labelledPerBatch
  }

  private var labelledCount: Int { count - (unlabelled?.count ?? 0) }
  private var labelledPerBatch: Int { batchSize - (unlabelled?.perBatch ?? 0) }

  /// The plan of an epoch, counted from 0, the same whenever it is asked for.
  package func epoch(_ epoch: Int) -> EpochPlan {
    let n = number(of: epoch)
    let order = shuffledIndices(epoch: n).prefix(batchesPerEpoch * labelledPerBatch)
    guard let unlabelled else { return EpochPlan(order: order, epoch: n, plan: self) }
    let others = stream(unlabelled, epoch: n)
    let mixed = (0..<batchesPerEpoch).flatMap { batch in
      let own = batch * labelledPerBatch..<min((batch + 1) * labelledPerBatch, order.count)
      return order[own] + others[batch * unlabelled.perBatch..<(batch + 1) * unlabelled.perBatch]
    }
    return EpochPlan(order: mixed[...], epoch: n, plan: self)
  }

  /// Images without a class for an epoch: shuffled passes over all of them, one after another, whatever the epochs.
  private func stream(_ unlabelled: Unlabelled, epoch: Int) -> [Int32] {
    let needed = batchesPerEpoch * unlabelled.perBatch
    let first = epoch * needed
    let passes = first / unlabelled.count...(first + needed - 1) / unlabelled.count
    let all = passes.flatMap { pass in
      var random = SplitMix64(key: Purpose.unlabelled.rawValue, seed, UInt64(pass))
      return shuffled(unlabelled.count, &random).map { $0 + Int32(labelledCount) }
    }
    let start = first - passes.lowerBound * unlabelled.count
    return Array(all[start..<start + needed])
  }

  /// How a batch of images of a size is mixed; nil where batches are not.
  func mixer(at position: BatchPosition, width: Int, height: Int) -> BatchMixer? {
    var random = SplitMix64(
      key: Purpose.mixing.rawValue, seed, UInt64(number(of: position.epoch)), UInt64(position.batch))
    return BatchMixer(augmentation, width: width, height: height, &random)
  }

  /// An epoch's number since the plan last began.
  private func number(of epoch: Int) -> Int { repeatsAfter.map { epoch % $0 } ?? epoch }

  /// What the first number of a key says the random numbers are for.
  private enum Purpose: UInt64 {
    case order, augmentation, mixing, unlabelled
  }

  private func shuffledIndices(epoch: Int) -> [Int32] {
    guard isShuffled else { return [Int32](0..<Int32(count)) }
    var random = SplitMix64(key: Purpose.order.rawValue, seed, UInt64(epoch))
    guard let shardSizes else { return shuffled(labelledCount, &random) }
    return WindowedOrder(shardSizes).indices(of: shuffled(shardSizes.count, &random), &random)
  }

  /// Fisher and Yates's shuffle, from the last place down.
  private func shuffled(_ count: Int, _ random: inout SplitMix64) -> [Int32] {
    var indices = [Int32](0..<Int32(count))
    var last = count - 1
    while last > 0 {
      indices.swapAt(last, Int(random.below(UInt64(last + 1))))
      last -= 1
    }
    return indices
  }

  /// An image as an epoch sees it.
  fileprivate func view(of index: Int32, epoch: Int) -> View {
    guard augmentation.changesImages else { return View(index: index) }
    return View(
      index: index, random: SplitMix64(key: Purpose.augmentation.rawValue, seed, UInt64(epoch), UInt64(index)))
  }
}

/// One epoch of a plan: every image once, in its batches.
package struct EpochPlan: Sendable {
  private let order: ArraySlice<Int32>
  private let epoch: Int
  private let plan: BatchPlan

  fileprivate init(order: ArraySlice<Int32>, epoch: Int, plan: BatchPlan) {
    (self.order, self.epoch, self.plan) = (order, epoch, plan)
  }

  /// The epoch's images in order; those of a dropped last batch are not among them.
  package var views: [View] { order.map { plan.view(of: $0, epoch: epoch) } }

  /// The number of batches, a smaller last one included.
  package var batchCount: Int { (order.count + plan.batchSize - 1) / plan.batchSize }

  /// The images of batch `i`, counted from 0.
  package func batch(_ i: Int) -> [View] {
    precondition((0..<batchCount).contains(i), "the epoch has \(batchCount) batches")
    let range = i * plan.batchSize..<min(order.count, (i + 1) * plan.batchSize)
    return order[range].map { plan.view(of: $0, epoch: epoch) }
  }
}
