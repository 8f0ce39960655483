// A batch of images as bytes, ready to become a tensor.

/// Images and labels of one step.
package struct ByteBatch: Sendable, Equatable {
  /// The epoch this batch belongs to.
  package let epoch: Int
  /// The batch's place in its epoch, from 0.
  package let index: Int
  /// `count x height x width x channels` bytes, channels last, as a network sees them; what lies outside an image is 0.
  package let pixels: [UInt8]
  /// What becomes zero of each image once it is normalised; nil for nothing.
  let erased: [PixelRegion?]
  /// Each image's class; -1 for one without.
  package let labels: [Int64]
  /// Which images of the set these are.
  package let indices: [Int64]

  /// The number of images.
  package var count: Int { labels.count }

  /// Makes the views of a set's images.
  /// - Throws: `DataError` naming a file that cannot be read.
  package init(_ images: ImageSet, views: [View], _ renderer: ViewRenderer, epoch: Int = 0, index: Int = 0) throws {
    (self.epoch, self.index) = (epoch, index)
    labels = views.map { Int64(images.labels[Int($0.index)]) }
    indices = views.map { Int64($0.index) }
    let imageBytes = images.imageBytes
    var erased: [PixelRegion?] = []
    pixels = try [UInt8](unsafeUninitializedCapacity: views.count * imageBytes) { target, initialized in
      for (place, view) in views.enumerated() {
        let part = target.extracting(place * imageBytes..<(place + 1) * imageBytes)
        erased.append(try images.withPixels(at: Int(view.index)) { renderer.render($0, as: view, into: part) })
        initialized += imageBytes
      }
    }
    self.erased = erased
  }

  /// Makes of whole views what a network sees that sees less of them.
  /// - Parameter whole: views of the same images as the renderer of `images` makes them before it takes something away.
  init(_ images: ImageSet, reducing whole: ByteBatch, _ renderer: ViewRenderer) {
    (epoch, index, labels, indices) = (whole.epoch, whole.index, whole.labels, whole.indices)
    let wholeBytes = whole.pixels.count / max(whole.count, 1)
    var (pixels, erased) = ([UInt8](), [PixelRegion?]())
    pixels.reserveCapacity(whole.count * images.imageBytes)
    for place in 0..<whole.count {
      let part = Array(whole.pixels[place * wholeBytes..<(place + 1) * wholeBytes])
      let (seen, region) = renderer.reduced(part, erased: whole.erased[place])
      pixels += seen
      erased.append(region)
    }
    (self.pixels, self.erased) = (pixels, erased)
  }
}
