// What is done to a training image before a network sees it.

/// How training images are cut out and mirrored.
public struct Augmentation: Sendable, Equatable {
  /// Black pixels added on every side before a crop of the image's own size; 0 to 127, and 0 crops nothing.
  public var cropPadding: Int
  /// The smallest share of an image's area that is cut out at random and scaled to the size that is seen (torchvision's
  /// `RandomResizedCrop`); nil for none of that.
  public var randomResizedCrop: Double?
  /// Whether half of the images, chosen at random, are mirrored left to right.
  public var flip: Bool

  /// The padding must lie in 0...127, a share above 0 and up to 1; there is one kind of crop at most.
  public init(cropPadding: Int = 0, randomResizedCrop: Double? = nil, flip: Bool) {
    precondition((0...Int(Int8.max)).contains(cropPadding), "the crop's padding must be 0 to 127 pixels")
    precondition(randomResizedCrop.map { $0 > 0 && $0 <= 1 } ?? true, "a crop has a share of the image's area")
    (self.cropPadding, self.randomResizedCrop, self.flip) = (cropPadding, randomResizedCrop, flip)
  }

  /// Images as they are.
  public static let none = Augmentation(flip: false)
}
