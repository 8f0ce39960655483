// The Street View House Numbers.

import Foundation

extension DataSet {
  /// Netzer and others, *Reading Digits in Natural Images with Unsupervised Feature Learning*, 2011: cropped digits, without
  /// the half million of easier ones (`extra`). A mirrored digit is no digit, and what stands beside it belongs to the task:
  /// they are neither cropped nor flipped, as in the papers that report on them.
  public static let svhn: DataSet = {
    let reader = SVHNReader()
    return DataSet(
      "svhn", about: "Netzer et al., 2011; its `extra` is left out", imageShape: (3, 32, 32),
      classNames: SVHNReader.classNames, counts: (73_257, 26_032),
      statistics: SVHNReader.statistics, augmentation: .none,
      publication: Publication(
        base: URL(string: "http://ufldl.stanford.edu/housenumbers/")!,
        files: [
          PublishedFile(name: SVHNReader.fileName(.train), md5: "e26dedcc434d2e4c54c9b2d4a06d8373"),
          PublishedFile(name: SVHNReader.fileName(.test), md5: "eb5a983be6a315427106f1b164d9cef3"),
        ]),
      read: { try reader.load($0, from: $1) })
  }()
}

/// Reads a split's MATLAB file: `X`, 32 x 32 x 3 x N bytes, and `y`, N x 1 digits in which 10 stands for 0.
package struct SVHNReader {
  private static let name = "svhn"
  static let classNames = (0...9).map(String.init)
  static let statistics = ImageStatistics(mean: [0.4377, 0.4438, 0.4728], deviation: [0.1980, 0.2010, 0.1970])
  private let counts: [DataSplit: Int]

  /// Smaller counts only in tests.
  package init(trainingImages: Int = 73_257, testImages: Int = 26_032) {
    counts = [.train: trainingImages, .test: testImages]
  }

  static func fileName(_ split: DataSplit) -> String { "\(split.rawValue)_32x32.mat" }

  package func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let places = [folder.appending(path: SVHNReader.name), folder].map {
      DataFile.Place(folder: $0, files: [[SVHNReader.fileName(split)]])
    }
    let list = "\(places[0].folder.path) or \(folder.path)"
    let file = try DataFile.locate(SVHNReader.name, below: folder, in: places, list: list).files[0]
    let (planes, count) = (ColumnPlanes(side: 32), counts[split] ?? 0)
    let arrays = try MATLABFile(
      file,
      expecting: [
        .init(name: "X", dimensions: [planes.side, planes.side, 3, count], isBytes: true),
        .init(name: "y", dimensions: [count, 1]),
      ])
    let labels = try arrays["y"].numbers.enumerated().map { record, digit in
      guard let digit, (1...10).contains(digit) else {
        throw DataError(
          "\(file.path): label \(record) is \(digit.map(String.init) ?? "no whole number"), 1 to 10 expected")
      }
      return Int32(digit % 10)
    }
    return ImageSet(
      name: SVHNReader.name, width: planes.side, height: planes.side, channels: 3, classNames: SVHNReader.classNames,
      pixels: planes.pixels(of: arrays["X"].asBytes), labels: labels, channelMean: Self.statistics.mean,
      channelDeviation: Self.statistics.deviation)
  }
}
