// Images in memory as bytes, with what a network needs to know of them.

/// A labelled set of images of one size, all in memory.
public struct ImageSet: Sendable {
  /// The set's name, such as `cifar-10`.
  public let name: String
  /// Width of an image in pixels.
  public let width: Int
  /// Height of an image in pixels.
  public let height: Int
  /// Channels of a pixel: 1 (grey) or 3 (red, green, blue).
  public let channels: Int
  /// The classes' names; labels index them.
  public let classNames: [String]
  /// `count x height x width x channels` bytes, channels last, rows from the top.
  public let pixels: [UInt8]
  /// Each image's class.
  public let labels: [UInt16]
  /// Mean of each channel of the training images, of pixels divided by 255.
  public let channelMean: [Float]
  /// Standard deviation of each channel of the training images, of pixels divided by 255.
  public let channelDeviation: [Float]

  /// Puts a set together; counts that do not fit each other, or a label without a name, are a programmer's mistake.
  public init(
    name: String, width: Int, height: Int, channels: Int, classNames: [String], pixels: [UInt8], labels: [UInt16],
    channelMean: [Float], channelDeviation: [Float]
  ) {
    precondition(width > 0 && height > 0 && channels > 0, "an image has a size")
    precondition(pixels.count == labels.count * width * height * channels, "\(name): pixels do not fit the labels")
    precondition(labels.allSatisfy { $0 < classNames.count }, "\(name): a label without a class name")
    precondition(
      channelMean.count == channels && channelDeviation.count == channels, "\(name): one mean and deviation a channel")
    (self.name, self.width, self.height, self.channels) = (name, width, height, channels)
    (self.classNames, self.pixels, self.labels) = (classNames, pixels, labels)
    (self.channelMean, self.channelDeviation) = (channelMean, channelDeviation)
  }

  /// The number of images.
  public var count: Int { labels.count }

  /// The bytes of one image.
  package var imageBytes: Int { width * height * channels }

  /// One image: `height x width x channels` bytes.
  public func image(at index: Int) -> ArraySlice<UInt8> {
    pixels[index * imageBytes..<(index + 1) * imageBytes]
  }

  /// SHA-256 of all that a network sees of the set: shape, pixels, normalisation, and the labels.
  package var fingerprint: String {
    Digest.sha256.hex { update in
      [width, height, channels, count].withUnsafeBytes(update)
      (channelMean + channelDeviation).withUnsafeBytes(update)
      labels.withUnsafeBytes(update)
      pixels.withUnsafeBytes(update)
    }
  }

  /// The images at `indices`, in that order.
  public func selecting(_ indices: [Int]) -> ImageSet {
    var chosen: [UInt8] = []
    chosen.reserveCapacity(indices.count * imageBytes)
    for index in indices { chosen.append(contentsOf: image(at: index)) }
    return ImageSet(
      name: name, width: width, height: height, channels: channels, classNames: classNames, pixels: chosen,
      labels: indices.map { labels[$0] }, channelMean: channelMean, channelDeviation: channelDeviation)
  }

  /// The first `count` images in file order, every class in its own proportion (equal ones, if they are in the set).
  ///
  /// Disjoint from `last(perSetBalanced:)` whenever the two counts add up to no more than the set's.
  public func first(perSetBalanced count: Int) -> ImageSet { selecting(firstIndices(perSetBalanced: count)) }

  /// The last `count` images in file order, every class in its own proportion.
  public func last(perSetBalanced count: Int) -> ImageSet { selecting(lastIndices(perSetBalanced: count)) }

  /// Which images `first(perSetBalanced:)` takes, ascending.
  package func firstIndices(perSetBalanced count: Int) -> [Int] { classInterleavedOrder().prefix(count).sorted() }

  /// Which images `last(perSetBalanced:)` takes, ascending.
  package func lastIndices(perSetBalanced count: Int) -> [Int] { classInterleavedOrder().suffix(count).sorted() }

  /// All indices, by how far into its own class an image stands; equal ones by class.
  private func classInterleavedOrder() -> [Int] {
    var sizes = [Int](repeating: 0, count: classNames.count)
    let ranks = labels.map { label in
      defer { sizes[Int(label)] += 1 }
      return sizes[Int(label)]
    }
    let places = zip(ranks, labels).map { rank, label in (Double(rank) + 0.5) / Double(sizes[Int(label)]) }
    return labels.indices.sorted { (places[$0], labels[$0]) < (places[$1], labels[$1]) }
  }
}
