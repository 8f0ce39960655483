// mixup and CutMix: a batch of which each image holds a part of the one before it.

import Kindred
import Torch

/// How a batch is mixed with itself rolled by one, as in torchvision's `MixUp` and `CutMix`: the first image with the last.
struct BatchMixer: Equatable {
  enum Form: Equatable {
    /// Zhang et al., *mixup*, 2018: so much of each image, and the rest of its partner.
    case mixup(share: Float)
    /// Yun et al., *CutMix*, 2019: a region of the partner in each image.
    case cutMix(PixelRegion)
  }

  let form: Form
  /// The image's size.
  let width: Int
  let height: Int

  /// The share of each image that is its own.
  private var share: Double {
    switch form {
    case .mixup(let share): Double(share)
    case .cutMix(let region): 1 - Double(region.width * region.height) / Double(width * height)
    }
  }

  /// The batch with its inputs mixed, the teacher's as the student's. Classes and places in the set are those of the larger
  /// parts.
  ///
  /// A rank's rows come behind the partner of their first one, see `Rank.rows(withPartnerOf:_:)`.
  func callAsFunction(_ batch: Batch) -> Batch {
    let isPart = batch.part != nil
    let own = { (tensor: Tensor) in isPart ? tensor.narrowed(0, 1..<tensor.shape[0]) : tensor }
    let other = { (tensor: Tensor) in isPart ? tensor.narrowed(0, 0..<tensor.shape[0] - 1) : rolled(tensor) }
    let mixed = { (tensor: Tensor) in self.mixed(own(tensor), other(tensor)) }
    let student = mixed(batch.student)
    let isOwn = share >= 0.5
    let (larger, smaller) = isOwn ? (own, other) : (other, own)
    var result = Batch(
      student, teacher: batch.teacher === batch.student ? student : mixed(batch.teacher),
      labels: batch.labels.map(larger), indices: larger(batch.indices), position: batch.position)
    result.mixing = batch.labels.map { labels in
      let share = Tensor.full([], max(share, 1 - share), device: labels.device)
      return Batch.Mixing(labels: smaller(labels), share: share)
    }
    result.part = batch.part.map { part in
      guard !isOwn else { return part }
      return Batch.Part(
        part.rank, indices: rolled(part.indices), labels: part.labels.map(rolled), labelled: part.labelled)
    }
    return result
  }

  /// A product and a sum for each value, or a copy: the same bits on every device.
  private func mixed(_ images: Tensor, _ partners: Tensor) -> Tensor {
    switch form {
    case .mixup: return images * share + partners * (1 - share)
    case .cutMix(let region):
      let mixed = images.clone()
      mixed.part(region).copyInPlace(partners.part(region))
      return mixed
    }
  }

  private func rolled(_ tensor: Tensor) -> Tensor {
    let last = tensor.shape[0] - 1
    return .concatenated([tensor.narrowed(0, last..<last + 1), tensor.narrowed(0, 0..<last)])
  }
}

extension Tensor {
  /// A region of N x C x H x W images.
  fileprivate func part(_ region: PixelRegion) -> Tensor {
    narrowed(2, region.y..<region.y + region.height).narrowed(3, region.x..<region.x + region.width)
  }
}

extension Rank {
  /// The rows of a batch that a rank needs: its own, and before them, where batches are mixed, the one that its first is mixed
  /// with.
  func rows(withPartnerOf count: Int, _ augmentation: Augmentation) -> [Int] {
    let own = rows(of: count)
    guard augmentation.mixes, !own.isEmpty else { return Array(own) }
    return [own.lowerBound == 0 ? count - 1 : own.lowerBound - 1] + own
  }
}

extension BatchMixer {
  /// Draws how a batch of images of a size is mixed; nil where batches are not.
  init?(_ augmentation: Augmentation, width: Int, height: Int, _ random: inout SplitMix64) {
    (self.width, self.height) = (width, height)
    let (mixup, cutMix) = (augmentation.mixup, augmentation.cutMix)
    guard mixup > 0 || cutMix > 0 else { return nil }
    let isMixup = cutMix == 0 || mixup > 0 && random.next() >> 63 == 0
    let share = random.symmetricBeta(isMixup ? mixup : cutMix)
    form =
      isMixup ? .mixup(share: Float(share)) : .cutMix(BatchMixer.region(width, height, kept: share, &random))
  }

  /// A box of the image's own proportions around a random pixel, cut at the image's edges.
  /// - Parameter kept: the share of the area that is outside of the whole box.
  static func region(_ width: Int, _ height: Int, kept: Double, _ random: inout SplitMix64) -> PixelRegion {
    let x = Int(random.below(UInt64(width)))
    return region(width, height, kept: kept, around: (x, Int(random.below(UInt64(height)))))
  }

  static func region(_ width: Int, _ height: Int, kept: Double, around centre: (x: Int, y: Int)) -> PixelRegion {
    let half = 0.5 * (1 - kept).squareRoot()
    let columns = BatchMixer.range(centre.x, Int(half * Double(width)), width)
    let rows = BatchMixer.range(centre.y, Int(half * Double(height)), height)
    return PixelRegion(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
  }

  private static func range(_ centre: Int, _ half: Int, _ size: Int) -> Range<Int> {
    max(0, centre - half)..<min(size, centre + half)
  }
}
