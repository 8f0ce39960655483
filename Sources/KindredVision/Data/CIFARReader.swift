// CIFAR-10 and CIFAR-100 as their authors publish them for programs other than Python: records of label and planes.

import Foundation

/// Reads the official binary files: records of one label byte (CIFAR-100: coarse, then fine) and three 32 x 32 planes.
struct CIFARReader {
  private static let side = 32
  private static let planeBytes = side * side

  let name: DataSetName
  /// Records in each training file and in the test file; smaller only in tests.
  let trainingRecords: Int
  let testRecords: Int

  init(_ name: DataSetName, trainingRecords: Int? = nil, testRecords: Int = 10_000) {
    self.name = name
    self.trainingRecords = trainingRecords ?? (name == .cifar10 ? 10_000 : 50_000)
    self.testRecords = testRecords
  }

  private var labelBytes: Int { name == .cifar10 ? 1 : 2 }
  private var recordBytes: Int { labelBytes + 3 * CIFARReader.planeBytes }

  /// The folder inside the official archive.
  var archiveFolder: String { name == .cifar10 ? "cifar-10-batches-bin" : "cifar-100-binary" }

  func fileNames(_ split: DataSplit) -> [String] {
    switch (name, split) {
    case (.cifar10, .train): return (1...5).map { "data_batch_\($0).bin" }
    case (.cifar10, .test): return ["test_batch.bin"]
    default: return ["\(split.rawValue).bin"]
    }
  }

  /// The bytes a file of this split has.
  func fileBytes(_ split: DataSplit) -> Int { recordBytes * (split == .train ? trainingRecords : testRecords) }

  /// Where the files may lie, the first that has them wins.
  func candidateFolders(in folder: URL) -> [URL] {
    let own = folder.appendingPathComponent(name.rawValue)
    return [own, own.appendingPathComponent(archiveFolder), folder.appendingPathComponent(archiveFolder)]
  }

  func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let files = try fileNames(split).map { file in
      try DataFile.locate([file], in: candidateFolders(in: folder), for: name)
    }
    let imageBytes = 3 * CIFARReader.planeBytes
    let records = fileBytes(split) / recordBytes
    var labels: [UInt16] = []
    labels.reserveCapacity(files.count * records)
    let pixels = try [UInt8](unsafeUninitializedCapacity: files.count * records * imageBytes) { buffer, initialized in
      for file in files {
        let bytes = try DataFile.read(file, size: fileBytes(split), unit: recordBytes)
        labels += try readLabels(bytes, from: file)
        for record in 0..<records {
          let planes = record * recordBytes + labelBytes
          interleave(bytes, from: planes, into: UnsafeMutableBufferPointer(rebasing: buffer[initialized...]))
          initialized += imageBytes
        }
      }
    }
    let (mean, deviation) = CIFARReader.statistics(name)
    return ImageSet(
      name: name.rawValue, width: CIFARReader.side, height: CIFARReader.side, channels: 3, classNames: name.classNames,
      pixels: pixels, labels: labels, channelMean: mean, channelDeviation: deviation)
  }

  private func readLabels(_ bytes: Data, from file: URL) throws -> [UInt16] {
    let classes = name.classNames.count
    return try stride(from: labelBytes - 1, to: bytes.count, by: recordBytes).map { offset in
      guard bytes[offset] < classes else {
        let record = offset / recordBytes
        throw DataError(
          file, at: offset,
          "label \(bytes[offset]) of record \(record) is out of range, \(name.rawValue) has \(classes) classes")
      }
      return UInt16(bytes[offset])
    }
  }

  /// Three planes at `offset` become pixels of three bytes.
  private func interleave(_ bytes: Data, from offset: Int, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    let planeBytes = CIFARReader.planeBytes
    bytes.withUnsafeBytes { (source: UnsafeRawBufferPointer) in
      for pixel in 0..<planeBytes {
        pixels[3 * pixel] = source[offset + pixel]
        pixels[3 * pixel + 1] = source[offset + planeBytes + pixel]
        pixels[3 * pixel + 2] = source[offset + 2 * planeBytes + pixel]
      }
    }
  }

  /// The published mean and deviation of the training images' channels.
  private static func statistics(_ name: DataSetName) -> (mean: [Float], deviation: [Float]) {
    name == .cifar10
      ? ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])
      : ([0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761])
  }
}
