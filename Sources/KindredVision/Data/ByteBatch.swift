// A batch of images as bytes, ready to become a tensor.

/// Images and labels of one step.
package struct ByteBatch: Sendable, Equatable {
  /// The epoch this batch belongs to.
  package let epoch: Int
  /// The batch's place in its epoch, from 0.
  package let index: Int
  /// `count x height x width x channels` bytes, channels last, after crop and flip; what lies outside an image is 0.
  package let pixels: [UInt8]
  /// Each image's class.
  package let labels: [Int64]
  /// Which images of the set these are.
  package let indices: [Int64]

  /// The number of images.
  package var count: Int { labels.count }

  /// Crops and flips the images that `views` name.
  package init(_ images: ImageSet, views: ArraySlice<View>, epoch: Int = 0, index: Int = 0) {
    (self.epoch, self.index) = (epoch, index)
    labels = views.map { Int64(images.labels[Int($0.index)]) }
    indices = views.map { Int64($0.index) }
    let imageBytes = images.imageBytes
    pixels = [UInt8](unsafeUninitializedCapacity: views.count * imageBytes) { target, initialized in
      images.pixels.withUnsafeBufferPointer { source in
        for (place, view) in views.enumerated() {
          let image = Int(view.index) * imageBytes
          ImageCopy(source: source.extracting(image..<image + imageBytes), of: images).write(
            view, to: target.extracting(place * imageBytes..<(place + 1) * imageBytes))
        }
      }
      initialized = views.count * imageBytes
    }
  }
}

/// Copies one image into a batch.
private struct ImageCopy {
  let source: UnsafeBufferPointer<UInt8>
  let width, height, channels: Int

  init(source: UnsafeBufferPointer<UInt8>, of images: ImageSet) {
    self.source = source
    (width, height, channels) = (images.width, images.height, images.channels)
  }

  func write(_ view: View, to target: UnsafeMutableBufferPointer<UInt8>) {
    for row in 0..<height {
      let targetRow = target.extracting(row * width * channels..<(row + 1) * width * channels)
      writeRow(row + Int(view.shiftY), shift: Int(view.shiftX), to: targetRow)
      if view.isFlipped { mirror(targetRow) }
    }
  }

  /// The image's row `row`, moved to the left by `shift` pixels, black where there is no image.
  private func writeRow(_ row: Int, shift: Int, to target: UnsafeMutableBufferPointer<UInt8>) {
    let columns = max(0, shift)..<max(max(0, shift), min(width, width + shift))
    guard (0..<height).contains(row), !columns.isEmpty else { return target.update(repeating: 0) }
    let start = (columns.lowerBound - shift) * channels
    let end = start + columns.count * channels
    target.extracting(..<start).update(repeating: 0)
    let first = (row * width + columns.lowerBound) * channels
    _ = target.extracting(start..<end).update(fromContentsOf: source.extracting(first..<first + end - start))
    target.extracting(end...).update(repeating: 0)
  }

  private func mirror(_ row: UnsafeMutableBufferPointer<UInt8>) {
    var (left, right) = (0, (width - 1) * channels)
    while left < right {
      for channel in 0..<channels { row.swapAt(left + channel, right + channel) }
      left += channels
      right -= channels
    }
  }
}

/// A set in batches of its own order, as it is: for evaluation.
package struct EvaluationBatches: Sequence, Sendable {
  private let images: ImageSet
  private let batchSize: Int

  /// Batches of `batchSize` images, at least 1; the last one may be smaller.
  package init(_ images: ImageSet, batchSize: Int) {
    precondition(batchSize > 0, "a batch holds at least one image")
    (self.images, self.batchSize) = (images, batchSize)
  }

  /// The number of batches.
  package var count: Int { (images.count + batchSize - 1) / batchSize }

  /// Every image as it is.
  var views: [View] { (0..<images.count).map { View(index: Int32($0)) } }

  /// Each batch's part of `views`.
  var ranges: [Range<Int>] {
    (0..<count).map { $0 * batchSize..<Swift.min(images.count, ($0 + 1) * batchSize) }
  }

  package func makeIterator() -> some IteratorProtocol<ByteBatch> {
    let views = self.views
    return ranges.enumerated().lazy.map { ByteBatch(images, views: views[$1], index: $0) }.makeIterator()
  }
}
