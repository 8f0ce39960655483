// A rectangle of a normalised image that becomes zero.

import Foundation
import Kindred

/// Random erasing: Zhong et al., 2020, with the scales and ratios of torchvision's `RandomErasing`.
enum RandomErasing {
  private static let shares = 0.02..<0.33
  private static let ratios = log(0.3)..<log(3.3)

  /// A part of an image of a size: ten tries of a random area and ratio of sides; nil where none fits.
  static func region(width: Int, height: Int, _ random: inout SplitMix64) -> PixelRegion? {
    for _ in 0..<10 {
      let area = Double(width * height) * random.uniform(shares)
      let ratio = exp(random.uniform(ratios))
      let h = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
      let w = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
      guard h < height, w < width else { continue }
      let y = Int(random.below(UInt64(height - h + 1)))
      return PixelRegion(x: Int(random.below(UInt64(width - w + 1))), y: y, width: w, height: h)
    }
    return nil
  }
}
