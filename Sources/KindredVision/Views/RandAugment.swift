// A few operations, drawn for each image from a list, all of one strength.

import Kindred

/// RandAugment: Cubuk, Zoph, Shlens and Le, 2020, with the operations and magnitudes of torchvision's `RandAugment`: nearest
/// pixels, black where there are none.
public struct RandAugment: Sendable, Equatable {
  /// What a magnitude may be: a place in a scale from none to the most.
  public static let magnitudes = 0...30
  /// How strong all operations are.
  public var magnitude: Int
  /// How many are done to an image, one after another; the same may come twice.
  public var operations: Int

  /// Two operations of magnitude 9 as in the paper, unless others are given.
  public init(magnitude: Int = 9, operations: Int = 2) {
    precondition(RandAugment.magnitudes.contains(magnitude), "a magnitude lies in 0...30")
    precondition(operations > 0, "RandAugment does something")
    (self.magnitude, self.operations) = (magnitude, operations)
  }

  /// One of the operations and how it is done.
  struct Choice: Equatable {
    let operation: Operation
    /// In its own unit; 0 where it has none.
    let amount: Double
  }

  /// What is done to an image of a size.
  func drawn(width: Int, height: Int, _ random: inout SplitMix64) -> [Choice] {
    (0..<operations).map { _ in
      let operation = Operation.allCases[Int(random.below(UInt64(Operation.allCases.count)))]
      let amount = operation.amount(magnitude, width: width, height: height)
      return Choice(operation: operation, amount: operation.isSigned && random.next() >> 63 == 1 ? -amount : amount)
    }
  }

  func callAsFunction(_ image: PixelImage, _ random: inout SplitMix64) -> PixelImage {
    drawn(width: image.width, height: image.height, &random).reduce(image) { $1.operation($0, $1.amount) }
  }
}

extension RandAugment {
  /// In torchvision's order.
  enum Operation: String, CaseIterable {
    case identity, shearX, shearY, translateX, translateY, rotate, brightness, color, contrast, sharpness, posterize
    case solarize, autoContrast, equalize

    /// Whether half of the amounts, chosen at random, are negative.
    var isSigned: Bool {
      switch self {
      case .identity, .posterize, .solarize, .autoContrast, .equalize: false
      default: true
      }
    }

    /// What a magnitude stands for, of 31 in equal steps.
    func amount(_ magnitude: Int, width: Int, height: Int) -> Double {
      switch self {
      case .identity, .autoContrast, .equalize: 0
      case .shearX, .shearY: step(magnitude, of: 0.3)
      case .translateX: step(magnitude, of: 150.0 / 331 * Double(width))
      case .translateY: step(magnitude, of: 150.0 / 331 * Double(height))
      case .rotate: step(magnitude, of: 30)
      case .brightness, .color, .contrast, .sharpness: step(magnitude, of: 0.9)
      case .posterize: 8 - (Double(magnitude) / 7.5).rounded()
      case .solarize: 255 - 8.5 * Double(magnitude)
      }
    }

    /// In single precision from the nearer end, as `torch.linspace` steps.
    private func step(_ magnitude: Int, of most: Double) -> Double {
      let (most, last) = (Float(most), RandAugment.magnitudes.upperBound)
      let step = most / Float(last)
      return Double(magnitude < 15 ? step * Float(magnitude) : most - step * Float(last - magnitude))
    }

    func callAsFunction(_ image: PixelImage, _ amount: Double) -> PixelImage {
      switch self {
      case .identity: image
      case .shearX: image.transformed(by: .shear(x: amount))
      case .shearY: image.transformed(by: .shear(y: amount))
      case .translateX: image.transformed(by: .translation(x: Int(amount), y: 0))
      case .translateY: image.transformed(by: .translation(x: 0, y: Int(amount)))
      case .rotate: image.transformed(by: .rotation(degrees: amount, width: image.width, height: image.height))
      case .brightness: image.adjustingBrightness(1 + amount)
      case .color: image.adjustingSaturation(1 + amount)
      case .contrast: image.adjustingContrast(1 + amount)
      case .sharpness: image.adjustingSharpness(1 + amount)
      case .posterize: image.posterized(bits: Int(amount))
      case .solarize: image.solarized(from: amount)
      case .autoContrast: image.autocontrasted()
      case .equalize: image.equalized()
      }
    }
  }
}
