// STL-10: larger images than CIFAR's, few of them labelled.

import Foundation

extension DataSet {
  /// Coates, Lee & Ng, *An Analysis of Single-Layer Networks in Unsupervised Feature Learning*, 2011: ten classes in 96 x 96
  /// pixels, trained on all 5,000 labelled images and not on the ten folds of 1,000.
  public static let stl10: DataSet = {
    let reader = STL10Reader()
    return DataSet(
      "stl-10", about: "Coates, Lee & Ng, 2011; all labelled images train", imageShape: (3, 96, 96),
      classNames: STL10Reader.classNames, counts: (5_000, 8_000),
      statistics: STL10Reader.statistics, augmentation: Augmentation(cropPadding: 12, flip: true),
      publication: Publication(
        base: URL(string: "http://ai.stanford.edu/~acoates/stl10/")!,
        files: [reader.archive(md5: "91f7769df0f17e558f3565bffb0c7dfb")]),
      read: { try reader.load($0 == .train ? .train : .test, from: $1) })
  }()
}

/// Reads the authors' binary files: images of three planes, column by column, and labels from 1.
package struct STL10Reader {
  /// What the set is made of. The unlabelled images belong to other classes as well.
  package enum Part: String, CaseIterable {
    case train, test, unlabeled

    fileprivate var imagesFile: String { "\(rawValue)_X.bin" }
    fileprivate var labelsFile: String? { self == .unlabeled ? nil : "\(rawValue)_y.bin" }
  }

  private static let name = "stl-10"
  private static let archiveFolder = "stl10_binary"
  static let classNames = words("airplane bird car cat deer dog horse monkey ship truck")
  static let statistics = ImageStatistics(mean: [0.4467, 0.4398, 0.4066], deviation: [0.2603, 0.2566, 0.2713])
  private let planes = ColumnPlanes(side: 96)
  private let counts: [Part: Int]

  /// Smaller counts only in tests.
  package init(trainingImages: Int = 5_000, testImages: Int = 8_000, unlabelledImages: Int = 100_000) {
    counts = [.train: trainingImages, .test: testImages, .unlabeled: unlabelledImages]
  }

  private func count(_ part: Part) -> Int { counts[part] ?? 0 }

  /// The authors' archive. Whoever deletes the unlabelled images from its folder has the set still.
  func archive(md5: String) -> PublishedFile {
    let sizes = [Part.train, .test].flatMap { part in
      [(part.imagesFile, count(part) * planes.imageBytes)] + (part.labelsFile.map { [($0, count(part))] } ?? [])
    }
    return PublishedFile(
      name: "\(STL10Reader.archiveFolder).tar.gz", md5: md5,
      unpackedFolder: .init(folder: STL10Reader.archiveFolder, sizes: Dictionary(uniqueKeysWithValues: sizes)))
  }

  /// A part of the set, in memory: 2.8 GB for the unlabelled one, whose labels are -1.
  package func load(_ part: Part, from folder: URL) throws -> ImageSet {
    let own = folder.appending(path: STL10Reader.name)
    let folders = [
      own.appending(path: STL10Reader.archiveFolder), own, folder.appending(path: STL10Reader.archiveFolder),
    ]
    let names = [part.imagesFile] + (part.labelsFile.map { [$0] } ?? [])
    let files = try DataFile.locate(
      STL10Reader.name, below: folder,
      in: (folders + [folder]).map { DataFile.Place(folder: $0, files: names.map { [$0] }) },
      list: "\(own.path), \(folder.path), or a folder \(STL10Reader.archiveFolder) in them"
    ).files
    let bytes = try DataFile.read(files[0], size: count(part) * planes.imageBytes, unit: planes.imageBytes)
    return ImageSet(
      name: STL10Reader.name, width: planes.side, height: planes.side, channels: 3, classNames: STL10Reader.classNames,
      pixels: planes.pixels(of: bytes),
      labels: files.count > 1 ? try labels(in: files[1], count(part)) : [Int32](repeating: -1, count: count(part)),
      channelMean: Self.statistics.mean, channelDeviation: Self.statistics.deviation)
  }

  private func labels(in file: URL, _ count: Int) throws -> [Int32] {
    try DataFile.read(file, size: count, unit: 1).enumerated().map { record, label in
      guard (1...STL10Reader.classNames.count).contains(Int(label)) else {
        throw DataError(file, at: record, "label \(label) of record \(record) is out of range, 1 to 10 expected")
      }
      return Int32(label) - 1
    }
  }
}
