// What is done to a training image before a network sees it.

/// How training images are cut out, mirrored, recoloured, erased and mixed, in this order.
public struct Augmentation: Sendable, Equatable {
  /// Black pixels added on every side before a crop of the image's own size; 0 to 127, and 0 crops nothing.
  public var cropPadding: Int
  /// The smallest share of an image's area that is cut out at random and scaled to the size that is seen (torchvision's
  /// `RandomResizedCrop`); nil for none of that.
  public var randomResizedCrop: Double?
  /// Whether half of the images, chosen at random, are mirrored left to right.
  public var flip: Bool
  /// Operations that are drawn for each image; nil for none.
  public var randAugment: RandAugment?
  /// How far brightness, contrast and saturation are changed by random factors, which lie within so much of 1; 0 for none.
  public var colorJitter: Double
  /// The probability that a rectangle of an image is erased, which is 0 after normalisation (torchvision's `RandomErasing`);
  /// 0 for none.
  public var randomErasing: Double
  /// The alpha of mixup's Beta distribution; 0 for no mixup. Beside CutMix a fair coin decides for each batch.
  public var mixup: Double
  /// The alpha of CutMix's Beta distribution; 0 for no CutMix.
  public var cutMix: Double

  /// The padding must lie in 0...127, a share above 0 and up to 1; there is one kind of crop at most. A probability lies in
  /// 0...1, and nothing is below 0.
  public init(
    cropPadding: Int = 0, randomResizedCrop: Double? = nil, flip: Bool, randAugment: RandAugment? = nil,
    colorJitter: Double = 0, randomErasing: Double = 0, mixup: Double = 0, cutMix: Double = 0
  ) {
    precondition((0...Int(Int8.max)).contains(cropPadding), "the crop's padding must be 0 to 127 pixels")
    precondition(randomResizedCrop.map { $0 > 0 && $0 <= 1 } ?? true, "a crop has a share of the image's area")
    precondition((0...1).contains(randomErasing), "images are erased with a probability")
    precondition(min(colorJitter, mixup, cutMix) >= 0, "a strength is not negative")
    (self.cropPadding, self.randomResizedCrop, self.flip) = (cropPadding, randomResizedCrop, flip)
    (self.randAugment, self.colorJitter, self.randomErasing) = (randAugment, colorJitter, randomErasing)
    (self.mixup, self.cutMix) = (mixup, cutMix)
  }

  /// Images as they are.
  public static let none = Augmentation(flip: false)

  /// Whether images are cut out or mirrored.
  var isGeometric: Bool { cropPadding > 0 || randomResizedCrop != nil || flip }

  /// Whether bytes are changed once an image is cut out.
  var changesBytes: Bool { randAugment != nil || colorJitter > 0 }

  /// Whether anything is drawn for an image of its own.
  var changesImages: Bool { isGeometric || changesBytes || randomErasing > 0 }

  /// Whether batches are mixed.
  package var mixes: Bool { mixup > 0 || cutMix > 0 }
}
