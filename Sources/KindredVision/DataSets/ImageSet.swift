// Images with what a network needs to know of them.

/// A set of images, as a network is to see them: of one size, with classes or without.
///
/// A part of a set shares its images, without a copy.
public struct ImageSet: Sendable {
  /// The set's name, such as `cifar-10`.
  public let name: String
  /// Width of what a network sees, in pixels.
  public private(set) var width: Int
  /// Height of what a network sees, in pixels.
  public private(set) var height: Int
  /// Channels of a pixel: 1 (grey) or 3 (red, green, blue).
  public private(set) var channels: Int
  /// The classes' names; labels index them. Empty where there are no classes.
  public let classNames: [String]
  /// Each image's class; -1 for one without.
  public private(set) var labels: [Int32]
  /// Mean of each channel of the training images, of pixels divided by 255.
  public private(set) var channelMean: [Float]
  /// Standard deviation of each channel of the training images, of pixels divided by 255.
  public private(set) var channelDeviation: [Float]
  /// The side that an image's shorter one is scaled to before evaluation cuts the centre out.
  private(set) var evaluatedSide: Int
  /// What is taken away from a view, where a network sees less than the whole; nil for nothing.
  private(set) var reduction: StudentView?
  /// The shape of a view before that.
  private(set) var whole: (channels: Int, height: Int, width: Int)
  private(set) var source: any ImageSource
  /// Which of the source's images these are; nil for all of them.
  private var selection: [Int32]?

  /// Puts a set of images in memory together; counts that do not fit each other, or a label without a name, are a
  /// programmer's mistake. The pixels are `count x height x width x channels` bytes, channels last, rows from the top.
  public init(
    name: String, width: Int, height: Int, channels: Int, classNames: [String], pixels: [UInt8], labels: [Int32],
    channelMean: [Float], channelDeviation: [Float]
  ) {
    precondition(width > 0 && height > 0 && channels > 0, "an image has a size")
    precondition(pixels.count == labels.count * width * height * channels, "\(name): pixels do not fit the labels")
    self.init(
      name: name, PackedImages(width: width, height: height, channels: channels, pixels: pixels), width: width,
      height: height, channels: channels, classNames: classNames, labels: labels, channelMean: channelMean,
      channelDeviation: channelDeviation)
  }

  /// A set of a source's images, seen in a size.
  /// - Parameter evaluatedSide: see the property; nil for the shorter side of that size.
  init(
    name: String, _ source: any ImageSource, width: Int, height: Int, channels: Int, evaluatedSide: Int? = nil,
    classNames: [String], labels: [Int32], channelMean: [Float], channelDeviation: [Float], selection: [Int32]? = nil
  ) {
    precondition(labels.count == selection?.count ?? source.count, "\(name): a label for each image")
    precondition(labels.allSatisfy { $0 < classNames.count && $0 >= -1 }, "\(name): a label without a class name")
    precondition(
      channelMean.count == channels && channelDeviation.count == channels, "\(name): one mean and deviation a channel")
    (self.name, self.width, self.height, self.channels) = (name, width, height, channels)
    (self.classNames, self.labels) = (classNames, labels)
    (self.channelMean, self.channelDeviation) = (channelMean, channelDeviation)
    self.evaluatedSide = evaluatedSide ?? min(width, height)
    (self.source, self.selection) = (source, selection)
    whole = (channels, height, width)
  }

  /// The number of images.
  public var count: Int { labels.count }

  /// Whether every image has a class.
  public var isLabelled: Bool { !labels.contains(-1) }
  /// Whether none has.
  package var isUnlabelled: Bool { labels.allSatisfy { $0 < 0 } }

  /// The shape of what a network sees, channels first.
  package var shape: [Int] { [channels, height, width] }

  /// Whether all images lie in memory in the size that they are seen in.
  var isPacked: Bool {
    source is PackedImages && source.size.map { $0 == (width, height) } == true
  }

  /// The bytes of what a network sees of one image.
  package var imageBytes: Int { width * height * channels }

  /// Hands one image's own pixels over.
  /// - Throws: `DataError` naming the file that cannot be read; whatever `body` throws.
  package func withPixels<Result>(at index: Int, _ body: (ImagePixels) throws -> Result) throws -> Result {
    try source.withPixels(at: place(of: index), body)
  }

  /// One image as evaluation sees it: `height x width x channels` bytes.
  /// - Throws: `DataError` naming the file that cannot be read.
  public func image(at index: Int) throws -> [UInt8] {
    try ByteBatch(self, views: [View(index: Int32(index))], ViewRenderer(self)).pixels
  }

  /// SHA-256 of all that a network sees of the set: shape, images, normalisation, and the labels.
  package var fingerprint: String {
    Digest.sha256.hex { update in
      [width, height, channels, count].withUnsafeBytes(update)
      (channelMean + channelDeviation).withUnsafeBytes(update)
      // In 16 bits, as runs of earlier versions wrote it down.
      labels.map { UInt16(truncatingIfNeeded: $0) }.withUnsafeBytes(update)
      if !isPacked { [evaluatedSide, whole.width, whole.height].withUnsafeBytes(update) }
      if let reduction { Array("\(reduction)".utf8).withUnsafeBytes(update) }
      for index in 0..<count { withIdentity(of: index, update) }
    }
  }

  /// Whether another set has the same images in the same order, seen as these are but for what is taken away of them.
  func isWhole(of other: ImageSet) -> Bool {
    reduction == nil && other.reduction != nil && whole == other.whole && evaluatedSide == other.evaluatedSide
      && hasImages(of: other)
  }

  /// Whether another set has the same images in the same order, however they are seen.
  func hasImages(of other: ImageSet) -> Bool { selection == other.selection && source.isSame(as: other.source) }

  /// The images at `indices`, in that order.
  public func selecting(_ indices: [Int]) -> ImageSet {
    var part = self
    part.labels = indices.map { labels[$0] }
    part.selection = indices.map { Int32(place(of: $0)) }
    return part
  }

  /// How many images follow each other in each archive; nil for sets that do not lie in archives.
  package var shardSizes: [Int]? {
    guard let sizes = source.shardSizes, let selection else { return source.shardSizes }
    guard zip(selection, selection.dropFirst()).allSatisfy(<) else { return nil }
    var (ends, sum) = ([Int](), 0)
    for size in sizes {
      sum += size
      ends.append(sum)
    }
    var (counts, shard) = ([Int](repeating: 0, count: sizes.count), 0)
    for place in selection {
      while Int(place) >= ends[shard] { shard += 1 }
      counts[shard] += 1
    }
    return counts.filter { $0 > 0 }
  }

  private func place(of index: Int) -> Int { selection.map { Int($0[index]) } ?? index }

  /// The first `count` images in file order, every class in its own proportion (equal ones, if they are in the set).
  ///
  /// Disjoint from `last(perSetBalanced:)` whenever the two counts add up to no more than the set's.
  public func first(perSetBalanced count: Int) -> ImageSet {
    count == self.count ? self : selecting(firstIndices(perSetBalanced: count))
  }

  /// The last `count` images in file order, every class in its own proportion.
  public func last(perSetBalanced count: Int) -> ImageSet { selecting(lastIndices(perSetBalanced: count)) }

  /// Which images `first(perSetBalanced:)` takes, ascending.
  package func firstIndices(perSetBalanced count: Int) -> [Int] { classInterleavedOrder().prefix(count).sorted() }

  /// Which images `last(perSetBalanced:)` takes, ascending.
  package func lastIndices(perSetBalanced count: Int) -> [Int] { classInterleavedOrder().suffix(count).sorted() }

  /// All indices, by how far into its own class an image stands; equal ones by class. Those without a class are one more.
  private func classInterleavedOrder() -> [Int] {
    var sizes = [Int](repeating: 0, count: classNames.count + 1)
    let ranks = labels.map { label in
      defer { sizes[Int(label) + 1] += 1 }
      return sizes[Int(label) + 1]
    }
    let places = zip(ranks, labels).map { rank, label in (Double(rank) + 0.5) / Double(sizes[Int(label) + 1]) }
    return labels.indices.sorted { (places[$0], labels[$0]) < (places[$1], labels[$1]) }
  }
}

extension ImageSet {
  /// The same images, seen in a square of another size.
  /// - Parameter evaluatedSide: the side that an image's shorter one is scaled to before evaluation cuts the centre out.
  package func seen(side: Int, evaluatedSide: Int) -> ImageSet {
    var other = self
    (other.width, other.height, other.whole) = (side, side, (channels, side, side))
    (other.evaluatedSide, other.source) = (evaluatedSide, source.resolved(for: evaluatedSide))
    return other
  }

  /// What an image's shorter side is scaled to before evaluation cuts a square out, as much larger than that as it is now.
  package func usualEvaluatedSide(_ side: Int) -> Int {
    let seen = min(whole.width, whole.height)
    return (side * evaluatedSide + seen / 2) / seen
  }

  /// The same images, normalised by another mean and deviation.
  package func normalized(by statistics: ImageStatistics) -> ImageSet {
    precondition(statistics.mean.count == channels, "one mean and deviation a channel")
    var other = self
    (other.channelMean, other.channelDeviation) = (statistics.mean, statistics.deviation)
    return other
  }

  /// The same images, of which a network sees less.
  /// - Parameter statistics: what is left is normalised by; nil to measure it.
  /// - Throws: `DataError` naming a file that cannot be read.
  package func reduced(by view: StudentView, normalizedBy statistics: ImageStatistics?) throws -> ImageSet {
    var other = self
    other.reduction = view
    (other.channels, other.height, other.width) = view.shape(of: whole)
    return other.normalized(by: try statistics ?? ImageStatistics(measuring: other))
  }

  /// These images, and others behind them whose classes are not known, all seen as these are.
  package func joined(withoutLabels others: ImageSet) -> ImageSet {
    var joined = ImageSet(
      name: name, JoinedImages(first: self, second: others), width: width, height: height, channels: channels,
      evaluatedSide: evaluatedSide, classNames: classNames,
      labels: labels + [Int32](repeating: -1, count: others.count), channelMean: channelMean,
      channelDeviation: channelDeviation)
    (joined.reduction, joined.whole) = (reduction, whole)
    return joined
  }

  /// The images at `indices`, and those at others without their classes behind them.
  package func selecting(_ indices: [Int], withoutLabels others: [Int]) -> ImageSet {
    var part = selecting(indices + others)
    for place in indices.count..<part.count { part.labels[place] = -1 }
    return part
  }

  /// Hands over what tells an image from another one.
  func withIdentity(of index: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    source.withIdentity(of: place(of: index), body)
  }
}
