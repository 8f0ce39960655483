// Brightness, contrast and saturation of an image, changed at random.

import Kindred

/// torchvision's `ColorJitter` of one strength for brightness, contrast and saturation, in an order of their own for each
/// image. The hue stays.
struct ColorJitter {
  /// How far factors lie from 1.
  let strength: Double

  private enum Change: CaseIterable {
    case brightness, contrast, saturation
  }

  func callAsFunction(_ image: PixelImage, _ random: inout SplitMix64) -> PixelImage {
    var changes = Change.allCases
    for last in [2, 1] { changes.swapAt(last, Int(random.below(UInt64(last + 1)))) }
    return changes.reduce(image) { image, change in
      let factor = random.uniform(max(0, 1 - strength)..<1 + strength)
      return switch change {
      case .brightness: image.adjustingBrightness(factor)
      case .contrast: image.adjustingContrast(factor)
      case .saturation: image.adjustingSaturation(factor)
      }
    }
  }
}
