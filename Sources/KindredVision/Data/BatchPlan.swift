// Which image a step sees, and how it is cropped and flipped: a pure function of seed and epoch.

import Kindred

/// What is done to a training image before a network sees it.
public struct Augmentation: Sendable, Equatable {
  /// Black pixels added on every side before a crop of the image's own size; 0 to 127, and 0 crops nothing.
  public var cropPadding: Int
  /// Whether half of the images, chosen at random, are mirrored left to right.
  public var flip: Bool

  /// The padding must lie in 0...127.
  public init(cropPadding: Int, flip: Bool) {
    precondition((0...Int(Int8.max)).contains(cropPadding), "the crop's padding must be 0 to 127 pixels")
    (self.cropPadding, self.flip) = (cropPadding, flip)
  }

  /// Images as they are.
  public static let none = Augmentation(cropPadding: 0, flip: false)
}

/// One image as one step sees it.
package struct View: Sendable, Equatable {
  /// The image's place in its set.
  package let index: Int32
  /// How many pixels to the right of the image's left edge the crop begins; negative ones begin in the padding.
  package let shiftX: Int8
  /// How many pixels below the image's upper edge the crop begins.
  package let shiftY: Int8
  /// Whether the crop is then mirrored left to right.
  package let isFlipped: Bool

  /// By default the image as it is.
  package init(index: Int32, shiftX: Int8 = 0, shiftY: Int8 = 0, isFlipped: Bool = false) {
    (self.index, self.shiftX, self.shiftY, self.isFlipped) = (index, shiftX, shiftY, isFlipped)
  }
}

/// All that is random about the training data: order, crops and flips of every epoch.
///
/// Nothing is remembered from one epoch to the next, so that a run can be resumed anywhere. An image's crop and flip
/// depend on seed, epoch and its own index alone, neither on the order nor on the batch size.
public struct BatchPlan: Sendable {
  /// How many images there are.
  public let count: Int
  /// Images in a batch.
  public let batchSize: Int
  /// The run's seed.
  public let seed: UInt64
  /// How every image is cropped and flipped.
  public let augmentation: Augmentation
  /// Whether a last batch that is smaller than the others is left out.
  public let dropsLast: Bool
  /// After how many epochs the plan begins again; nil for never.
  public let repeatsAfter: Int?

  /// A plan for `count` images in batches of `batchSize`, at least 1.
  public init(
    count: Int, batchSize: Int, seed: UInt64, augmentation: Augmentation, dropsLast: Bool = true,
    repeatsAfter: Int? = nil
  ) {
    precondition(repeatsAfter.map { $0 > 0 } ?? true, "a plan repeats after one epoch or more")
    self.repeatsAfter = repeatsAfter
    precondition((0...Int(Int32.max)).contains(count), "a plan is for at most 2^31 - 1 images")
    precondition(batchSize > 0, "a batch holds at least one image")
    (self.count, self.batchSize, self.seed) = (count, batchSize, seed)
    (self.augmentation, self.dropsLast) = (augmentation, dropsLast)
  }

  /// Batches in an epoch; 0 if the images do not fill one batch and the smaller last one is dropped.
  public var batchesPerEpoch: Int { dropsLast ? count / batchSize : (count + batchSize - 1) / batchSize }

  /// The plan of an epoch, counted from 0, the same whenever it is asked for.
  package func epoch(_ epoch: Int) -> EpochPlan {
    let n = repeatsAfter.map { epoch % $0 } ?? epoch
    let order = shuffledIndices(epoch: n).prefix(batchesPerEpoch * batchSize)
    return EpochPlan(views: order.map { view(of: $0, epoch: n) }, batchSize: batchSize)
  }

  /// What the first number of a key says the random numbers are for.
  private enum Purpose: UInt64 {
    case order, augmentation
  }

  /// Fisher and Yates's shuffle, from the last place down.
  private func shuffledIndices(epoch: Int) -> [Int32] {
    var random = SplitMix64(key: Purpose.order.rawValue, seed, UInt64(epoch))
    var indices = [Int32](0..<Int32(count))
    var last = count - 1
    while last > 0 {
      indices.swapAt(last, Int(random.below(UInt64(last + 1))))
      last -= 1
    }
    return indices
  }

  private func view(of index: Int32, epoch: Int) -> View {
    guard augmentation != .none else { return View(index: index) }
    var random = SplitMix64(key: Purpose.augmentation.rawValue, seed, UInt64(epoch), UInt64(index))
    let padding = augmentation.cropPadding
    let shifts = UInt64(2 * padding + 1)
    let shiftX = Int8(Int(random.below(shifts)) - padding)
    let shiftY = Int8(Int(random.below(shifts)) - padding)
    return View(index: index, shiftX: shiftX, shiftY: shiftY, isFlipped: augmentation.flip && random.next() >> 63 == 1)
  }
}

/// One epoch of a plan: every image once, in its batches.
package struct EpochPlan: Sendable {
  /// The epoch's images in order; those of a dropped last batch are not among them.
  package let views: [View]
  private let batchSize: Int

  fileprivate init(views: [View], batchSize: Int) { (self.views, self.batchSize) = (views, batchSize) }

  /// The number of batches, a smaller last one included.
  package var batchCount: Int { (views.count + batchSize - 1) / batchSize }

  /// The images of batch `i`, counted from 0.
  package func batch(_ i: Int) -> ArraySlice<View> {
    precondition((0..<batchCount).contains(i), "the epoch has \(batchCount) batches")
    return views[i * batchSize..<min(views.count, (i + 1) * batchSize)]
  }
}
