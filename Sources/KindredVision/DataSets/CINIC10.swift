// CINIC-10: CIFAR-10's classes, with images of ImageNet among CIFAR's.

import Foundation
import Kindred

extension DataSet {
  /// Darlow and others, *CINIC-10 Is Not ImageNet or CIFAR-10*, 2018: three parts of 90,000 images. `train` trains and `test`
  /// measures.
  public static let cinic10 = cinic10()

  /// - Parameter withValidation: whether its part `valid` trains as well. Publications differ in that, and often do not say.
  public static func cinic10(withValidation: Bool = false) -> DataSet {
    let reader = CINIC10Reader(withValidation: withValidation)
    return DataSet(
      CINIC10Reader.name, about: "Darlow et al., 2018; its validation images are left out", imageShape: (3, 32, 32),
      classNames: CINIC10Reader.classNames,
      counts: (withValidation ? 180_000 : 90_000, 90_000), statistics: CINIC10Reader.statistics,
      augmentation: Augmentation(cropPadding: 4, flip: true),
      choices: [
        Choice(
          key: "with_validation", kind: .flag, help: "cinic-10's validation images train as well",
          value: .flag(withValidation)
        ) { if case .flag(let value) = $0 { cinic10(withValidation: value) } else { cinic10 } }
      ],
      publication: Publication(
        base: URL(string: "https://datashare.ed.ac.uk/bitstream/handle/10283/3192/")!,
        files: [reader.archive(md5: "6ee4d0c996905fe93221de577967a372")]),
      read: { try reader.load($0, from: $1) })
  }
}

/// Reads the authors' folders `PART/CLASS` of PNG files.
package struct CINIC10Reader {
  static let name = "cinic-10"
  static let classNames = words("airplane automobile bird cat deer dog frog horse ship truck")
  static let statistics = ImageStatistics(mean: [0.4789, 0.4723, 0.4305], deviation: [0.2421, 0.2383, 0.2587])
  private static let archiveFolder = "CINIC-10"
  private let withValidation: Bool
  /// Images of a class in each part; fewer only in tests.
  private let perClass: Int

  package init(withValidation: Bool = false, perClass: Int = 9_000) {
    (self.withValidation, self.perClass) = (withValidation, perClass)
  }

  /// The authors' archive, which has no folder around its files. Its address at the publisher is not that of its name, which
  /// is answered by a page.
  func archive(md5: String) -> PublishedFile {
    let folders = ["train", "valid", "test"].flatMap { part in CINIC10Reader.classNames.map { "\(part)/\($0)" } }
    return PublishedFile(
      name: "\(CINIC10Reader.archiveFolder).tar.gz", md5: md5,
      address: URL(
        string: "https://datashare.ed.ac.uk/server/api/core/bitstreams/e8e186cc-2688-48f1-aa5a-3fda1a43f8b6/content"),
      unpackedFolder: .init(
        folder: CINIC10Reader.archiveFolder, isInArchive: false,
        imageCounts: Dictionary(uniqueKeysWithValues: folders.map { ($0, perClass) })))
  }

  package func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let parts = split == .test ? ["test"] : withValidation ? ["train", "valid"] : ["train"]
    let own = folder.appending(path: CINIC10Reader.name)
    let folders = [
      own.appending(path: CINIC10Reader.archiveFolder), own, folder.appending(path: CINIC10Reader.archiveFolder),
    ]
    let places = (folders + [folder]).map { DataFile.Place(folder: $0, files: parts.map { [$0] }, areFolders: true) }
    let place = try DataFile.locate(
      CINIC10Reader.name, below: folder, in: places,
      list: "\(own.path), \(folder.path), or a folder \(CINIC10Reader.archiveFolder) in them"
    ).place
    let files = try ListedImages(classFoldersIn: parts, of: places[place].folder)
    try files.check(CINIC10Reader.name, classNames: CINIC10Reader.classNames, count: parts.count * 10 * perClass)
    return ImageSet(
      name: CINIC10Reader.name, width: 32, height: 32, channels: 3, classNames: files.classNames,
      pixels: try files.pixels(width: 32, height: 32, channels: 3), labels: files.labels,
      channelMean: Self.statistics.mean, channelDeviation: Self.statistics.deviation)
  }
}
