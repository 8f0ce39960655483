// What each byte of an image becomes: the one place where pixels turn into a network's numbers.

import Kindred
import Torch

/// (byte / 255 - mean) / deviation for every byte and channel.
///
/// A value that is looked up has the same bits on every device and thread; one that is computed need not.
struct PixelTable: Sendable {
  /// 256 values for each channel, one channel after another.
  let values: [Float]

  init(_ images: ImageSet) {
    values = zip(images.channelMean, images.channelDeviation).flatMap { mean, deviation in
      (0..<256).map { Float($0) * (1 / (255 * deviation)) + -mean / deviation }
    }
  }

  /// The values of pixels that lie channels last.
  func callAsFunction(_ pixels: [UInt8]) -> TensorBuffer<Float> {
    let buffer = TensorBuffer<Float>(count: pixels.count)
    let channels = values.count / 256
    pixels.withUnsafeBufferPointer { pixels in
      values.withUnsafeBufferPointer { values in
        for first in stride(from: 0, to: pixels.count, by: channels) {
          for channel in 0..<channels {
            buffer.elements[first + channel] = values[256 * channel + Int(pixels[first + channel])]
          }
        }
      }
    }
    return buffer
  }
}

/// Images as a network's numbers, in memory that a tensor can take over.
struct NormalizedImages: Sendable {
  /// N x height x width x channels.
  let shape: [Int]
  let pixels: TensorBuffer<Float>

  init(_ bytes: ByteBatch, of images: ImageSet, _ table: PixelTable) {
    shape = [bytes.count, images.height, images.width, images.channels]
    pixels = table(bytes.pixels)
    for (place, region) in bytes.erased.enumerated() { if let region { erase(region, of: place) } }
  }

  private func erase(_ region: PixelRegion, of image: Int) {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    for row in region.y..<region.y + region.height {
      let first = ((image * height + row) * width + region.x) * channels
      pixels.elements.extracting(first..<first + region.width * channels).update(repeating: 0)
    }
  }

  /// Without a copy. N x height x width x channels seen as N x C x H x W is the channels-last layout.
  var tensor: Tensor { Tensor(pixels, shape: shape).permuted([0, 3, 1, 2]) }
}

/// A batch whose images are numbers.
struct NormalizedBatch: Sendable {
  let position: BatchPosition
  /// What the student sees.
  let images: NormalizedImages
  /// What the teacher sees; nil for the same.
  let teacher: NormalizedImages?
  /// nil for a set without classes.
  let labels: [Int64]?
  let indices: [Int64]
  /// The batch that this is a rank's part of; nil for a whole one.
  var whole: Whole?

  /// What is known of a batch whose images several processes have.
  struct Whole: Sendable {
    let rank: Rank
    let indices: [Int64]
    let labels: [Int64]?
  }

  init(_ bytes: ByteBatch, of images: ImageSet, _ table: PixelTable, teacher: NormalizedImages? = nil) {
    position = BatchPosition(epoch: bytes.epoch, batch: bytes.index)
    self.images = NormalizedImages(bytes, of: images, table)
    self.teacher = teacher
    labels = images.classNames.isEmpty ? nil : bytes.labels
    indices = bytes.indices
  }

  var tensors: Batch {
    var batch = Batch(
      images.tensor, teacher: teacher?.tensor, labels: labels.map { Tensor($0, shape: [$0.count]) },
      indices: Tensor(indices, shape: [indices.count]), position: position)
    batch.part = whole?.part
    return batch
  }
}

extension NormalizedBatch.Whole {
  fileprivate var part: Batch.Part {
    let own = labels.map { $0[rank.rows(of: $0.count)] } ?? []
    let labelled = (own.count { $0 >= 0 }, (labels ?? []).count { $0 >= 0 })
    return Batch.Part(
      rank, indices: Tensor(indices, shape: [indices.count]), labels: labels.map { Tensor($0, shape: [$0.count]) },
      labelled: labelled)
  }
}

extension ImageSet {
  /// The classes of images at some places, -1 for one without; nil for a set without classes.
  func classes(of indices: [Int64]) -> [Int64]? {
    classNames.isEmpty ? nil : indices.map { Int64(labels[Int($0)]) }
  }
}
