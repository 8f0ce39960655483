// Which part of an image a network sees: cut out, scaled, moved under a window, mirrored.

import Foundation
import Kindred

/// A part of an image, in its pixels.
struct PixelRegion: Equatable {
  var x = 0
  var y = 0
  var width: Int
  var height: Int
}

/// How an image's pixels become those that a network sees.
struct ViewGeometry: Equatable {
  /// What is cut out first.
  var region: PixelRegion
  /// The size that the region is scaled to.
  var scaledWidth: Int
  var scaledHeight: Int
  /// How far to the right of the scaled region's left edge the window begins; what lies outside the region is black.
  var shiftX = 0
  /// How far below its upper edge.
  var shiftY = 0
  /// Whether the window is mirrored left to right at last.
  var isFlipped = false
}

/// The sizes of an image and of what a network sees of it.
struct ViewSizes: Equatable {
  let image: (width: Int, height: Int)
  let seen: (width: Int, height: Int)

  static func == (one: ViewSizes, other: ViewSizes) -> Bool { one.image == other.image && one.seen == other.seen }

  /// The whole image, its shorter side scaled to `side`, and its centre.
  ///
  /// As torchvision's `Resize` and `CenterCrop` have it: the longer side is cut to a whole number, half a pixel of a margin
  /// goes to the even one.
  func centre(side: Int) -> ViewGeometry {
    var geometry = whole(side: side)
    geometry.shiftX = half(geometry.scaledWidth - seen.width)
    geometry.shiftY = half(geometry.scaledHeight - seen.height)
    return geometry
  }

  private func half(_ margin: Int) -> Int { Int((Double(margin) / 2).rounded(.toNearestOrEven)) }

  /// The whole image, its shorter side scaled to `side`. Of one that is more than eight times as long as wide, which would
  /// become a band without end, the middle is taken.
  private func whole(side: Int) -> ViewGeometry {
    let (width, height) = (min(image.width, 8 * image.height), min(image.height, 8 * image.width))
    let isWide = width > height
    return ViewGeometry(
      region: PixelRegion(
        x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height),
      scaledWidth: isWide ? side * width / height : side, scaledHeight: isWide ? side : side * height / width)
  }

  /// A view of an image that is cut out or mirrored, drawn.
  func drawn(_ augmentation: Augmentation, side: Int, _ random: inout SplitMix64) -> ViewGeometry {
    if let share = augmentation.randomResizedCrop {
      let region = resizedCrop(smallest: share, &random)
      return ViewGeometry(
        region: region, scaledWidth: seen.width, scaledHeight: seen.height,
        isFlipped: augmentation.flip && random.next() >> 63 == 1)
    }
    var geometry = whole(side: side)
    geometry.shiftX = shift(augmentation.cropPadding, geometry.scaledWidth - seen.width, &random)
    geometry.shiftY = shift(augmentation.cropPadding, geometry.scaledHeight - seen.height, &random)
    geometry.isFlipped = augmentation.flip && random.next() >> 63 == 1
    return geometry
  }

  /// Anywhere in a margin and in a border around it.
  private func shift(_ padding: Int, _ margin: Int, _ random: inout SplitMix64) -> Int {
    Int(random.below(UInt64(2 * padding + max(margin, 0) + 1))) - padding + min(margin, 0) / 2
  }

  /// A part of random area and of sides in a ratio from 3/4 to 4/3, as torchvision's `RandomResizedCrop` draws it: ten
  /// tries, then the centre.
  private func resizedCrop(smallest: Double, _ random: inout SplitMix64) -> PixelRegion {
    let (width, height) = image
    let ratios = (least: 3.0 / 4, most: 4.0 / 3)
    for _ in 0..<10 {
      let area = Double(width * height) * (smallest + (1 - smallest) * random.unit())
      let ratio = exp(log(ratios.least) + (log(ratios.most) - log(ratios.least)) * random.unit())
      let (w, h) = (rounded((area * ratio).squareRoot()), rounded((area / ratio).squareRoot()))
      guard (1...width).contains(w), (1...height).contains(h) else { continue }
      let y = Int(random.below(UInt64(height - h + 1)))
      return PixelRegion(x: Int(random.below(UInt64(width - w + 1))), y: y, width: w, height: h)
    }
    let ratio = Double(width) / Double(height)
    let w = ratio > ratios.most ? max(rounded(Double(height) * ratios.most), 1) : width
    let h = ratio < ratios.least ? max(rounded(Double(width) / ratios.least), 1) : height
    return PixelRegion(x: (width - w) / 2, y: (height - h) / 2, width: w, height: h)
  }

  private func rounded(_ value: Double) -> Int { Int(value.rounded(.toNearestOrEven)) }
}
