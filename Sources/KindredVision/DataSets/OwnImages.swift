// A set of one's own images, opened: what is known before anything is decoded, and the sets that are trained and measured on.

import Files
import Foundation

/// Where one's own images lie, and how they are seen.
public struct OwnImages: Sendable, Hashable {
  /// What is trained on: a folder of class folders, one without classes, or a text file of lines `path<tab>class`.
  public var train: URL
  /// What is measured on; nil for a share of `train` that is held out.
  public var test: URL?
  /// The share of `train` that is measured on and not trained on, chosen by the images' paths; 0 for none.
  public var heldOut: Double
  /// Which share that is, from 1 to 1 / `heldOut`: no two have an image in common.
  public var split = 1
  /// Images of the same relative names, of which a teacher is to see more than a student; nil for none.
  public var privileged: URL?
  /// The channels that images are decoded to: 1 (grey) or 3 (red, green, blue).
  public var channels = 3
  /// The side of the square that a network sees.
  public var size: Int
  /// The side that an image's shorter one is scaled to before its centre is cut out.
  public var evaluatedSide: Int
  /// What images are normalised by; nil to measure it over the training images.
  public var statistics: ImageStatistics?
  /// The bytes that decoded images may take; larger sets are decoded anew in each epoch.
  package var memory = 1 << 30
  /// Whether images that `kindred data check` found broken are left out; a run ends at one of them otherwise.
  public var skipsBroken = false
  /// The classes' names in the order of labels; nil for those of `train`, by name.
  public var classNames: [String]?

  /// A set of images in the size that is usual for photographs; its evaluated side is 8/7 of the size, as 256 is of 224, unless
  /// one is given.
  public init(train: URL, test: URL? = nil, heldOut: Double = 0, size: Int = 224, evaluatedSide: Int? = nil) {
    (self.train, self.test, self.heldOut, self.size) = (train, test, heldOut, size)
    self.evaluatedSide = evaluatedSide ?? OwnImages.usualEvaluatedSide(size)
  }

  /// 8/7 of a size, to the nearest pixel.
  public static func usualEvaluatedSide(_ size: Int) -> Int { (size * 8 + 3) / 7 }

  /// The files that a split has, labelled in the order of the classes that are trained on.
  /// - Throws: `DataError`.
  package func files(_ split: DataSplit) throws -> ListedImages {
    let found = try listed(train)
    let all = try classNames.map { try found.labelled(as: $0) } ?? found
    switch (split, test) {
    case (.train, nil): return all.holdingOut(heldOut, split: self.split).kept
    case (.train, _): return all
    case (.test, nil): return all.holdingOut(heldOut, split: self.split).heldOut
    // Where no class is trained on, those that are measured on are the classes.
    case (.test, let test?):
      return try all.classNames.isEmpty ? listed(test) : listed(test).labelled(as: all.classNames)
    }
  }

  private func listed(_ place: URL) throws -> ListedImages {
    let all = try ListedImages(place)
    return skipsBroken ? try all.withoutBroken().files : all
  }

  /// What was left out, a line for each place; nothing where nothing was.
  /// - Throws: `DataError`.
  package func remarks() throws -> [String] {
    guard skipsBroken else { return [] }
    return try [train, test].compactMap(\.self).compactMap { place in
      let all = try ListedImages(place)
      let broken = try all.withoutBroken().broken
      guard let first = broken.first else { return nil }
      return "\(place.displayName): \(broken.count) of \(all.count) images are broken and skipped, such as \(first)"
    }
  }

  /// The images of a split.
  /// - Throws: `DataError`.
  public func load(_ split: DataSplit) throws -> ImageSet {
    let files = try files(split)
    guard files.count > 0 else {
      throw DataError("\(train.displayName): no image is held out; hold out a larger share, or name a test folder")
    }
    let source = encoded(files)
    let statistics = try statistics ?? measured(split == .train ? source : encoded(try self.files(.train)))
    return set(source, files, statistics)
  }

  /// The images of a split that a teacher sees in place of these, in the same order.
  /// - Parameter channels: those that they are decoded to.
  /// - Throws: `DataError` naming one that is not there.
  package func loadPrivileged(_ split: DataSplit, channels: Int) throws -> ImageSet? {
    guard let privileged else { return nil }
    var other = self
    other.channels = channels
    let files = try files(split).sameNames(in: privileged)
    let training = split == .train ? files : try self.files(.train).sameNames(in: privileged)
    return other.set(other.encoded(files), files, try other.measured(other.encoded(training)))
  }

  private func encoded(_ files: ListedImages) -> EncodedImages {
    EncodedImages(files, channels: channels, evaluatedSide: evaluatedSide, memory: memory)
  }

  private func set(_ source: EncodedImages, _ files: ListedImages, _ statistics: ImageStatistics) -> ImageSet {
    ImageSet(
      name: train.lastPathComponent, source, width: size, height: size, channels: channels,
      evaluatedSide: evaluatedSide, classNames: files.classNames, labels: files.labels,
      channelMean: statistics.mean, channelDeviation: statistics.deviation)
  }

  /// Mean and deviation of training images, measured now or before.
  private func measured(_ source: EncodedImages) throws -> ImageStatistics {
    let cache = StatisticsCache(in: source.root, key: source.fingerprint)
    if let known = cache.known { return known }
    let statistics = try ImageStatistics(measuring: source, channels: channels)
    cache.keep(statistics)
    return statistics
  }
}
