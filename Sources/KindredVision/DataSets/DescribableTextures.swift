// The Describable Textures Dataset (DTD): photographs of their own sizes, in ten splits.

import Foundation
import Kindred

extension DataSet {
  /// Cimpoi and others, *Describing Textures in the Wild*, 2014: 47 classes, of which each split has 40 training, 40
  /// validation and 40 test images. The first split, see `describableTextures(split:)`.
  public static let describableTextures = describableTextures(split: 1)

  /// One of the ten splits. Its training and validation images train (3,760), its test images measure (1,880), as is usual
  /// where DTD is reported; its authors give the mean over all ten splits, others the first alone.
  ///
  /// Tung and Mori (2019) report the median over the ten; whether their validation images trained is not known.
  ///
  /// Images are seen as photographs are: 224 x 224 of a side scaled to 256, random resized crops, ImageNet's mean and
  /// deviation, which the weights expect that networks start from here.
  /// - Parameter split: 1 to 10.
  public static func describableTextures(split: Int) -> DataSet {
    precondition(DescribableTexturesReader.splits.contains(split), "DTD has ten splits")
    let reader = DescribableTexturesReader(split: split)
    let size = DescribableTexturesReader.size
    return DataSet(
      DescribableTexturesReader.name,
      about: "Cimpoi et al., 2014; training and validation images train; images have sizes of their own",
      imageShape: (3, size, size), classNames: reader.classNames,
      counts: (reader.count(.train), reader.count(.test)),
      statistics: DescribableTexturesReader.statistics, augmentation: Augmentation(randomResizedCrop: 0.08, flip: true),
      splits: Splits(count: DescribableTexturesReader.splits.count, chosen: split) { describableTextures(split: $0) },
      publication: Publication(
        base: URL(string: "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/")!,
        files: [reader.archive(md5: "fff73e5086ae6bdbea199a49dfb8a4c1")]),
      read: { try reader.load($0, from: $1) })
  }
}

/// Reads the authors' lists (`labels/train1.txt`) of files (`images/CLASS/NAME.jpg`).
package struct DescribableTexturesReader {
  static let name = "dtd"
  static let statistics = ImageStatistics.imageNet
  static let size = 224
  static let splits = 1...10
  private static let imagesFolder = "images"
  /// In the archive.
  private static let archiveFolder = "dtd"
  private let split: Int
  let classNames: [String]
  /// Images of a class in each list.
  private let perClass: Int

  /// - Parameter classNames: others, and another number of images, only in tests.
  package init(split: Int, classNames: [String] = words(allClassNames), perClass: Int = 40) {
    (self.split, self.classNames, self.perClass) = (split, classNames, perClass)
  }

  private func lists(_ split: DataSplit) -> [String] {
    (split == .train ? ["train", "val"] : ["test"]).map { "labels/\($0)\(self.split).txt" }
  }

  func count(_ split: DataSplit) -> Int { lists(split).count * classNames.count * perClass }

  func archive(md5: String) -> PublishedFile {
    let folders = classNames.map { ("\(DescribableTexturesReader.imagesFolder)/\($0)", 3 * perClass) }
    return PublishedFile(
      name: "dtd-r1.0.1.tar.gz", md5: md5,
      unpackedFolder: .init(
        folder: DescribableTexturesReader.archiveFolder, imageCounts: Dictionary(uniqueKeysWithValues: folders)))
  }

  package func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let (own, archive) = (folder.appending(path: Self.name), Self.archiveFolder)
    let places = [own.appending(path: archive), own, folder].map {
      DataFile.Place(folder: $0, files: lists(split).map { [$0] })
    }
    let found = try DataFile.locate(
      Self.name, below: folder, in: places, list: "\(own.path), \(folder.path), or a folder \(archive) in them")
    let listed = try found.files.flatMap { try entries(of: $0) }
    let files = try ListedImages(
      listed, of: places[found.place].folder.appending(path: Self.imagesFolder), classNames: classNames)
    try files.check(Self.name, classNames: classNames, count: count(split))
    let side = OwnImages.usualEvaluatedSide(Self.size)
    return ImageSet(
      name: Self.name, EncodedImages(files, channels: 3, evaluatedSide: side, memory: 1 << 30), width: Self.size,
      height: Self.size, channels: 3, evaluatedSide: side, classNames: classNames, labels: files.labels,
      channelMean: Self.statistics.mean, channelDeviation: Self.statistics.deviation)
  }

  /// The lines of a list: `CLASS/NAME.jpg`.
  private func entries(of list: URL) throws -> [(path: String, label: Int32)] {
    let text = String(decoding: try DataFile.read(list), as: UTF8.self)
    return try text.split(whereSeparator: \.isNewline).enumerated().map { line, path in
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let label = classNames.firstIndex(of: String(parts[0])) else {
        throw DataError("\(list.path): line \(line + 1) is not CLASS/FILE with one of the \(classNames.count) classes")
      }
      return (String(path), Int32(label))
    }
  }

  package static let allClassNames = """
    banded blotchy braided bubbly bumpy chequered cobwebbed cracked crosshatched crystalline dotted fibrous flecked
    freckled frilly gauzy grid grooved honeycombed interlaced knitted lacelike lined marbled matted meshed paisley
    perforated pitted pleated polka-dotted porous potholed scaly smeared spiralled sprinkled stained stratified striped
    studded swirly veined waffled woven wrinkled zigzagged
    """
}
