// MNIST and Fashion-MNIST in the IDX format, plain or compressed with gzip.

import Foundation

/// Reads pairs of IDX files: a big-endian header of magic number and sizes, then bytes.
package struct IDXReader {
  private static let side = 28
  private static let imageHeader = 16
  private static let labelHeader = 8

  let name: String
  let classNames: [String]
  /// torchvision's folder for the set.
  private let otherName: String
  let statistics: ImageStatistics
  /// The first ten labels of both splits.
  private let firstLabels: [DataSplit: [UInt8]]
  /// Records in the training and the test files; smaller only in tests.
  private(set) var trainingRecords = 60_000
  private(set) var testRecords = 10_000

  static let mnist = IDXReader(
    name: "mnist", classNames: (0...9).map(String.init), otherName: "MNIST",
    statistics: .init(mean: [0.1307], deviation: [0.3081]),
    firstLabels: [.train: [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], .test: [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]])

  static let fashionMNIST = IDXReader(
    name: "fashion-mnist",
    classNames: ["T-shirt/top"] + words("trouser pullover dress coat sandal shirt sneaker bag") + ["ankle boot"],
    otherName: "FashionMNIST", statistics: .init(mean: [0.2860], deviation: [0.3530]),
    firstLabels: [.train: [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], .test: [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]])

  private init(
    name: String, classNames: [String], otherName: String, statistics: ImageStatistics,
    firstLabels: [DataSplit: [UInt8]]
  ) {
    (self.name, self.classNames, self.otherName) = (name, classNames, otherName)
    (self.statistics, self.firstLabels) = (statistics, firstLabels)
  }

  /// The reader of one of the two sets, for files of other sizes.
  package init(_ set: DataSet, trainingRecords: Int = 60_000, testRecords: Int = 10_000) {
    self = set == .mnist ? .mnist : .fashionMNIST
    (self.trainingRecords, self.testRecords) = (trainingRecords, testRecords)
  }

  func imagesName(_ split: DataSplit) -> String { "\(split == .train ? "train" : "t10k")-images-idx3-ubyte" }
  func labelsName(_ split: DataSplit) -> String { "\(split == .train ? "train" : "t10k")-labels-idx1-ubyte" }

  /// The bytes of a split's two files when they are not compressed.
  func fileBytes(_ split: DataSplit) -> (images: Int, labels: Int) {
    let records = split == .train ? trainingRecords : testRecords
    let side = IDXReader.side
    return (IDXReader.imageHeader + records * side * side, IDXReader.labelHeader + records)
  }

  package func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let (imagesFile, labelsFile) = try locate(split, in: folder)
    let records = split == .train ? trainingRecords : testRecords
    let side = IDXReader.side
    let pixels = try contents(of: imagesFile, magic: 0x0803, sizes: [records, side, side])
    let labels = try contents(of: labelsFile, magic: 0x0801, sizes: [records])
    let classes = classNames.count
    if let bad = labels.firstIndex(where: { $0 >= classes }) {
      let record = bad - labels.startIndex
      throw DataError(
        labelsFile, at: IDXReader.labelHeader + record,
        "label \(labels[bad]) of record \(record) is out of range, \(name) has \(classes) classes")
    }
    try refuseOtherSet(labels, split, labelsFile)
    return ImageSet(
      name: name, width: side, height: side, channels: 1, classNames: classNames, pixels: Array(pixels),
      labels: labels.map(Int32.init), channelMean: statistics.mean, channelDeviation: statistics.deviation)
  }

  /// The folders that can only be this set's.
  func namedFolders(in folder: URL) -> [URL] {
    let (own, raw) = (name, "\(otherName)/raw")
    return [own, "\(own)/raw", "\(own)/\(raw)", raw].map { folder.appendingPathComponent($0) }
  }

  private func locate(_ split: DataSplit, in folder: URL) throws -> (images: URL, labels: URL) {
    let names = [imagesName(split), labelsName(split)].map { [$0, $0 + ".gz"] }
    let named = namedFolders(in: folder)
    let places = (named + [folder.appendingPathComponent("raw"), folder]).map {
      DataFile.Place(folder: $0, files: names)
    }
    let list = "\(named[0].path); nor in raw or \(otherName)/raw of \(folder.path), nor in that itself"
    let files = try DataFile.locate(name, below: folder, in: places, list: list).files
    return (files[0], files[1])
  }

  /// MNIST and Fashion-MNIST have files of the same names and sizes: their first labels tell them apart.
  private func refuseOtherSet(_ labels: ArraySlice<UInt8>, _ split: DataSplit, _ file: URL) throws {
    let other = name == IDXReader.mnist.name ? IDXReader.fashionMNIST : .mnist
    guard let theirs = other.firstLabels[split], labels.prefix(10).elementsEqual(theirs) else { return }
    throw DataError("\(file.path): these are the labels of \(other.name), not of \(name)")
  }

  /// The bytes after the header, which must say exactly what is expected; offsets count decompressed bytes.
  private func contents(of file: URL, magic: UInt32, sizes: [Int]) throws -> ArraySlice<UInt8> {
    let header = 4 + 4 * sizes.count
    let size = header + sizes.reduce(1, *)
    let bytes = try file.pathExtension == "gz" ? Gzip.inflate(file, limit: size) : plain(file, limit: size)
    for (position, expected) in ([Int(magic)] + sizes).enumerated() {
      let offset = 4 * position
      guard bytes.count >= offset + 4 else { throw DataError(file, at: bytes.count, "truncated within its header") }
      let found = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard found == expected else {
        if position == 0, let stranger = DataFile.stranger(file) { throw stranger }
        let what = position == 0 ? "magic number" : position == 1 ? "number of records" : "image size"
        throw DataError(file, at: offset, "wrong \(what): \(found), \(expected) expected")
      }
    }
    guard bytes.count == size else {
      let unit = sizes.dropFirst().reduce(1, *)
      throw DataError(
        file, at: bytes.count,
        "truncated: it ends within record \((bytes.count - header) / unit) of \(sizes[0]), \(size) bytes expected")
    }
    return bytes[header...]
  }

  private func plain(_ file: URL, limit: Int) throws -> [UInt8] {
    let size = try DataFile.size(of: file)
    guard size <= limit else { throw DataError(file, at: limit, "wrong size: \(size) bytes, \(limit) expected") }
    return Array(try DataFile.read(file))
  }
}
