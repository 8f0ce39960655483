// MNIST and Fashion-MNIST in the IDX format, plain or compressed with gzip.

import Foundation

/// Reads pairs of IDX files: a big-endian header of magic number and sizes, then bytes.
struct IDXReader {
  private static let side = 28
  private static let imageHeader = 16
  private static let labelHeader = 8

  let name: DataSetName
  /// Records in the training and the test files; smaller only in tests.
  let trainingRecords: Int
  let testRecords: Int

  init(_ name: DataSetName, trainingRecords: Int = 60_000, testRecords: Int = 10_000) {
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

  func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let own = folder.appendingPathComponent(name.rawValue)
    let imagesFile = try locate(imagesName(split), in: own)
    let labelsFile = try locate(labelsName(split), in: own)
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
    let (mean, deviation): (Float, Float) = name == .mnist ? (0.1307, 0.3081) : (0.2860, 0.3530)
    return ImageSet(
      name: name.rawValue, width: side, height: side, channels: 1, classNames: name.classNames, pixels: Array(pixels),
      labels: labels.map(UInt16.init), channelMean: [mean], channelDeviation: [deviation])
  }

  private func locate(_ file: String, in folder: URL) throws -> URL {
    try DataFile.locate([file, file + ".gz"], in: [folder], for: name)
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
