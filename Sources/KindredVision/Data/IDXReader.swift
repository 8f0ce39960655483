// MNIST and Fashion-MNIST in the IDX format, plain or compressed with gzip.

import Foundation

/// Reads pairs of IDX files: a big-endian header of magic number and sizes, then bytes.
package struct IDXReader {
  private static let side = 28
  private static let imageHeader = 16
  private static let labelHeader = 8

  let name: DataSetName
  /// Records in the training and the test files; smaller only in tests.
  let trainingRecords: Int
  let testRecords: Int

  package init(_ name: DataSetName, trainingRecords: Int = 60_000, testRecords: Int = 10_000) {
    (self.name, self.trainingRecords, self.testRecords) = (name, trainingRecords, testRecords)
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
    let classes = name.classNames.count
    if let bad = labels.firstIndex(where: { $0 >= classes }) {
      let record = bad - labels.startIndex
      throw DataError(
        labelsFile, at: IDXReader.labelHeader + record,
        "label \(labels[bad]) of record \(record) is out of range, \(name.rawValue) has \(classes) classes")
    }
    try refuseOtherSet(labels, split, labelsFile)
    let (mean, deviation): (Float, Float) = name == .mnist ? (0.1307, 0.3081) : (0.2860, 0.3530)
    return ImageSet(
      name: name.rawValue, width: side, height: side, channels: 1, classNames: name.classNames, pixels: Array(pixels),
      labels: labels.map(UInt16.init), channelMean: [mean], channelDeviation: [deviation])
  }

  /// torchvision's folder for the set.
  private var otherName: String { name == .mnist ? "MNIST" : "FashionMNIST" }

  /// The folders that can only be this set's.
  func namedFolders(in folder: URL) -> [URL] {
    let (own, raw) = (name.rawValue, "\(otherName)/raw")
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
    let other: DataSetName = name == .mnist ? .fashionMNIST : .mnist
    guard labels.prefix(10).elementsEqual(IDXReader.firstLabels(other, split)) else { return }
    throw DataError("\(file.path): these are the labels of \(other.rawValue), not of \(name.rawValue)")
  }

  private static func firstLabels(_ name: DataSetName, _ split: DataSplit) -> [UInt8] {
    switch (name, split) {
    case (.mnist, .train): [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    case (.mnist, .test): [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    case (_, .train): [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    case (_, .test): [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    }
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
