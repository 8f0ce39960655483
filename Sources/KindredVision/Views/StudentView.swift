// What a student sees where its teacher sees more: the same view, made smaller, grey, blurred, occluded or cropped.

import Foundation

/// Takes something away from an image that a teacher sees whole.
public struct StudentView: Sendable, Hashable {
  /// The side of the square that is left; nil for the image's own.
  public var size: Int?
  /// Whether colours are left out: one channel by Pillow's weights.
  public var isGrey = false
  /// The standard deviation of a Gaussian blur, in pixels of the whole view; 0 for none.
  public var blur = 0.0
  /// The share of the side of a black square in the centre; 0 for none.
  public var occlusion = 0.0
  /// The share of the side that is kept around the centre; 1 for all.
  public var crop = 1.0

  /// The whole view.
  public init() {}

  /// The shape that is left of height x width images.
  package func shape(of image: (channels: Int, height: Int, width: Int)) -> (channels: Int, height: Int, width: Int) {
    let (width, height) = cropped(image.width, image.height)
    return (isGrey ? 1 : image.channels, size ?? height, size ?? width)
  }

  private func cropped(_ width: Int, _ height: Int) -> (width: Int, height: Int) {
    (max(Int((Double(width) * crop).rounded()), 1), max(Int((Double(height) * crop).rounded()), 1))
  }

  /// Where a region of the whole view lies in what is left of it; nil where it is cropped away.
  func region(
    _ region: PixelRegion, of whole: (width: Int, height: Int), in seen: (width: Int, height: Int)
  ) -> PixelRegion? {
    let kept = cropped(whole.width, whole.height)
    let x = StudentView.range(region.x, region.width, of: whole.width, kept: kept.width, in: seen.width)
    let y = StudentView.range(region.y, region.height, of: whole.height, kept: kept.height, in: seen.height)
    guard !x.isEmpty, !y.isEmpty else { return nil }
    return PixelRegion(x: x.lowerBound, y: y.lowerBound, width: x.count, height: y.count)
  }

  private static func range(_ start: Int, _ length: Int, of whole: Int, kept: Int, in seen: Int) -> Range<Int> {
    let border = (whole - kept) / 2
    let (first, last) = (max(start - border, 0), min(start + length - border, kept))
    guard first < last else { return 0..<0 }
    let scale = Double(seen) / Double(kept)
    return Int((Double(first) * scale).rounded())..<Int((Double(last) * scale).rounded())
  }

  /// Crops, occludes, blurs, takes the colours and scales, in this order.
  package func callAsFunction(_ image: PixelImage) -> PixelImage {
    let (width, height) = cropped(image.width, image.height)
    var seen = image.withPixels {
      $0.cut(PixelRegion(x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height))
    }
    seen.occludeCentre(occlusion)
    if blur > 0 { seen = GaussianBlur(deviation: blur)(seen) }
    if isGrey { seen = seen.with(channels: 1) }
    return size.map { seen.resized(width: $0, height: $0) } ?? seen
  }
}

extension PixelImage {
  /// Makes a square in the centre black.
  fileprivate mutating func occludeCentre(_ share: Double) {
    let (columns, rows) = (Int((Double(width) * share).rounded()), Int((Double(height) * share).rounded()))
    let (left, top) = ((width - columns) / 2, (height - rows) / 2)
    for row in top..<top + rows {
      let first = (row * width + left) * channels
      for place in first..<first + columns * channels { bytes[place] = 0 }
    }
  }
}

/// A blur in both directions, one after the other; beyond the border its last pixels go on.
private struct GaussianBlur {
  /// From the centre outwards.
  private let weights: [Float]

  init(deviation: Double) {
    let reach = max(Int((3 * deviation).rounded(.up)), 1)
    let bell = (0...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
    let sum = bell[0] + 2 * bell.dropFirst().reduce(0, +)
    weights = bell.map { Float($0 / sum) }
  }

  func callAsFunction(_ image: PixelImage) -> PixelImage {
    let rowBytes = image.width * image.channels
    let across = blurred(
      image.bytes.map(Float.init), lines: image.height, lineStride: rowBytes, length: image.width,
      stride: image.channels)
    let both = blurred(across, lines: 1, lineStride: 0, length: image.height, stride: rowBytes)
    let bytes = both.map { UInt8(min(max($0.rounded(), 0), 255)) }
    return PixelImage(width: image.width, height: image.height, channels: image.channels, bytes: bytes)
  }

  /// - Parameters:
  ///   - length: how many neighbours there are along the direction.
  ///   - stride: how far apart they are; what lies between them is treated alike.
  private func blurred(_ values: [Float], lines: Int, lineStride: Int, length: Int, stride: Int) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    for line in 0..<lines {
      let start = line * lineStride
      for place in 0..<length {
        for part in 0..<stride {
          var sum = weights[0] * values[start + place * stride + part]
          for distance in 1..<weights.count {
            let (before, after) = (max(place - distance, 0), min(place + distance, length - 1))
            sum +=
              weights[distance]
              * (values[start + before * stride + part] + values[start + after * stride + part])
          }
          result[start + place * stride + part] = sum
        }
      }
    }
    return result
  }
}
