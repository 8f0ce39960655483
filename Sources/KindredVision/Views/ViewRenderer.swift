// From an image's own pixels to those that a network sees.

import Kindred

/// Makes the views of a set: the one code for training and for evaluation.
package struct ViewRenderer: Sendable {
  private let width: Int
  private let height: Int
  private let channels: Int
  private let evaluatedSide: Int
  private let reduction: StudentView?
  private let augmentation: Augmentation

  /// - Parameter augmentation: of views that have something to draw from; the others are as evaluation sees them.
  package init(_ images: ImageSet, _ augmentation: Augmentation = .none) {
    (channels, height, width) = images.whole
    (evaluatedSide, reduction) = (images.evaluatedSide, images.reduction)
    self.augmentation = augmentation
  }

  /// Which part of an image of a size a view shows.
  func geometry(_ view: View, ofImage width: Int, _ height: Int) -> ViewGeometry {
    let sizes = ViewSizes(image: (width, height), seen: (self.width, self.height))
    guard var random = view.random else { return sizes.centre(side: evaluatedSide) }
    return geometry(sizes, &random)
  }

  private func geometry(_ sizes: ViewSizes, _ random: inout SplitMix64) -> ViewGeometry {
    guard augmentation.isGeometric else { return sizes.centre(side: evaluatedSide) }
    return sizes.drawn(augmentation, side: min(width, height), &random)
  }

  /// Writes height x width x channels bytes, as the network sees them.
  /// - Returns: what of them becomes zero once they are normalised; nil for nothing.
  func render(
    _ pixels: ImagePixels, as view: View, into target: UnsafeMutableBufferPointer<UInt8>
  ) -> PixelRegion? {
    guard reduction != nil else { return renderWhole(pixels, as: view, into: target) }
    var erased: PixelRegion?
    let bytes = [UInt8](unsafeUninitializedCapacity: height * width * channels) { buffer, count in
      count = height * width * channels
      erased = renderWhole(pixels, as: view, into: buffer.extracting(..<count))
    }
    let (seen, region) = reduced(bytes, erased: erased)
    _ = target.update(fromContentsOf: seen)
    return region
  }

  /// What is left of a whole view.
  func reduced(_ bytes: [UInt8], erased: PixelRegion?) -> (bytes: [UInt8], erased: PixelRegion?) {
    guard let reduction else { return (bytes, erased) }
    let seen = reduction(PixelImage(width: width, height: height, channels: channels, bytes: bytes))
    return (seen.bytes, erased.flatMap { reduction.region($0, of: (width, height), in: (seen.width, seen.height)) })
  }

  private func renderWhole(
    _ pixels: ImagePixels, as view: View, into target: UnsafeMutableBufferPointer<UInt8>
  ) -> PixelRegion? {
    let sizes = ViewSizes(image: (pixels.width, pixels.height), seen: (width, height))
    guard var random = view.random else {
      show(pixels, sizes.centre(side: evaluatedSide), in: target)
      return nil
    }
    show(pixels, geometry(sizes, &random), in: target)
    if augmentation.changesBytes { recolor(target, &random) }
    return erased(&random)
  }

  private func recolor(_ target: UnsafeMutableBufferPointer<UInt8>, _ random: inout SplitMix64) {
    var image = PixelImage(width: width, height: height, channels: channels, bytes: Array(target))
    if let randAugment = augmentation.randAugment { image = randAugment(image, &random) }
    if augmentation.colorJitter > 0 { image = ColorJitter(strength: augmentation.colorJitter)(image, &random) }
    _ = target.update(fromContentsOf: image.bytes)
  }

  private func erased(_ random: inout SplitMix64) -> PixelRegion? {
    guard augmentation.randomErasing > 0, random.chance(augmentation.randomErasing) else { return nil }
    return RandomErasing.region(width: width, height: height, &random)
  }

  private func show(_ pixels: ImagePixels, _ geometry: ViewGeometry, in target: UnsafeMutableBufferPointer<UInt8>) {
    let whole = PixelRegion(width: pixels.width, height: pixels.height)
    if geometry.region == whole, geometry.scaledWidth == pixels.width, geometry.scaledHeight == pixels.height {
      return window(pixels, geometry, into: target)
    }
    let scaled = pixels.cut(geometry.region).resized(width: geometry.scaledWidth, height: geometry.scaledHeight)
    scaled.withPixels { window($0, geometry, into: target) }
  }

  private func window(
    _ pixels: ImagePixels, _ geometry: ViewGeometry, into target: UnsafeMutableBufferPointer<UInt8>
  ) {
    let rowBytes = width * channels
    for row in 0..<height {
      let targetRow = target.extracting(row * rowBytes..<(row + 1) * rowBytes)
      pixels.copyRow(row + geometry.shiftY, from: geometry.shiftX, to: targetRow)
      if geometry.isFlipped { mirror(targetRow) }
    }
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

extension ImagePixels {
  /// Part of row `row`, from column `start` on, black where there is no image.
  fileprivate func copyRow(_ row: Int, from start: Int, to target: UnsafeMutableBufferPointer<UInt8>) {
    let columns = max(0, start)..<max(max(0, start), min(width, start + target.count / channels))
    guard (0..<height).contains(row), !columns.isEmpty else { return target.update(repeating: 0) }
    let black = (columns.lowerBound - start) * channels
    let end = black + columns.count * channels
    target.extracting(..<black).update(repeating: 0)
    let first = (row * width + columns.lowerBound) * channels
    _ = target.extracting(black..<end).update(fromContentsOf: bytes.extracting(first..<first + end - black))
    target.extracting(end...).update(repeating: 0)
  }

  /// A copy of a part.
  func cut(_ region: PixelRegion) -> PixelImage {
    let rowBytes = region.width * channels
    let cut = [UInt8](unsafeUninitializedCapacity: region.height * rowBytes) { target, count in
      for row in 0..<region.height {
        let first = ((region.y + row) * width + region.x) * channels
        _ = target.extracting(row * rowBytes..<(row + 1) * rowBytes)
          .initialize(fromContentsOf: bytes.extracting(first..<first + rowBytes))
      }
      count = region.height * rowBytes
    }
    return PixelImage(width: region.width, height: region.height, channels: channels, bytes: cut)
  }
}

extension PixelImage {
  func withPixels<Result>(_ body: (ImagePixels) throws -> Result) rethrows -> Result {
    try bytes.withUnsafeBufferPointer {
      try body(ImagePixels(width: width, height: height, channels: channels, bytes: $0))
    }
  }
}
