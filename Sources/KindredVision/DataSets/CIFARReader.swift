// CIFAR-10 and CIFAR-100 as their authors publish them: binary records, or pickles for Python.

import Foundation

/// Reads the official files. The binary ones are records of one label byte (CIFAR-100: coarse, then fine) and three
/// 32 x 32 planes; those for Python hold the same planes in an array and the labels in a list.
package struct CIFARReader {
  /// How the authors publish a set.
  enum Layout: CaseIterable {
    case binary, python
  }

  private static let side = 32
  private static let planeBytes = side * side
  static let imageBytes = 3 * planeBytes

  let name: String
  let classNames: [String]
  /// Records in each training file and in the test file; smaller only in tests.
  let trainingRecords: Int
  let testRecords: Int

  init(_ name: String, classNames: [String], trainingRecords: Int? = nil, testRecords: Int = 10_000) {
    (self.name, self.classNames) = (name, classNames)
    self.trainingRecords = trainingRecords ?? (classNames.count == 10 ? 10_000 : 50_000)
    self.testRecords = testRecords
  }

  /// The reader of one of the two sets, for files of other sizes.
  package init(_ set: DataSet, trainingRecords: Int? = nil, testRecords: Int = 10_000) {
    self.init(
      set.name, classNames: set.classNames, trainingRecords: trainingRecords, testRecords: testRecords)
  }

  /// Whether it is CIFAR-10: five training files and one label byte.
  private var isCIFAR10: Bool { classNames.count == 10 }
  private var labelBytes: Int { isCIFAR10 ? 1 : 2 }
  private var recordBytes: Int { labelBytes + CIFARReader.imageBytes }
  private func records(_ split: DataSplit) -> Int { split == .train ? trainingRecords : testRecords }

  /// The folder inside the official archive, as torchvision leaves it too.
  func archiveFolder(_ layout: Layout = .binary) -> String {
    switch (isCIFAR10, layout) {
    case (true, .binary): "cifar-10-batches-bin"
    case (true, .python): "cifar-10-batches-py"
    case (false, .binary): "cifar-100-binary"
    case (false, .python): "cifar-100-python"
    }
  }

  func fileNames(_ split: DataSplit, _ layout: Layout = .binary) -> [String] {
    let ending = layout == .binary ? ".bin" : ""
    switch (isCIFAR10, split) {
    case (true, .train): return (1...5).map { "data_batch_\($0)\(ending)" }
    case (true, .test): return ["test_batch\(ending)"]
    default: return ["\(split.rawValue)\(ending)"]
    }
  }

  /// The bytes a binary file of this split has.
  func fileBytes(_ split: DataSplit) -> Int { recordBytes * records(split) }

  /// Where the files are: in a folder of the set's name, in the archive's, or in the folder itself; binary ones first.
  private func locate(_ split: DataSplit, in folder: URL) throws -> (layout: Layout, files: [URL]) {
    let own = folder.appendingPathComponent(name)
    let places = Layout.allCases.map { layout in
      let archive = archiveFolder(layout)
      return [own, own.appendingPathComponent(archive), folder.appendingPathComponent(archive), folder].map {
        DataFile.Place(folder: $0, files: fileNames(split, layout).map { [$0] })
      }
    }
    let archives = "\(archiveFolder(.binary)) or \(archiveFolder(.python))"
    let list = "\(own.path), \(folder.path), or a folder \(archives) in them"
    let found = try DataFile.locate(name, below: folder, in: places.flatMap { $0 }, list: list)
    return (found.place < places[0].count ? .binary : .python, found.files)
  }

  /// Whether the files for Python are below a folder of sets, whole as far as their sizes tell.
  func hasPythonFiles(in folder: URL) -> Bool {
    DataSplit.allCases.allSatisfy { split in
      guard let (layout, files) = try? locate(split, in: folder), layout == .python else { return false }
      return files.allSatisfy { ((try? DataFile.size(of: $0)) ?? 0) > records(split) * CIFARReader.imageBytes }
    }
  }

  package func load(_ split: DataSplit, from folder: URL) throws -> ImageSet {
    let (layout, files) = try locate(split, in: folder)
    let (records, imageBytes) = (records(split), CIFARReader.imageBytes)
    var labels: [Int32] = []
    labels.reserveCapacity(files.count * records)
    let pixels = try [UInt8](unsafeUninitializedCapacity: files.count * records * imageBytes) { buffer, initialized in
      for file in files {
        let batch = try read(file, as: layout, records: records)
        labels += batch.labels
        for record in 0..<records {
          let planes = batch.firstImage + record * batch.stride
          interleave(batch.bytes, from: planes, into: UnsafeMutableBufferPointer(rebasing: buffer[initialized...]))
          initialized += imageBytes
        }
      }
    }
    return ImageSet(
      name: name, width: CIFARReader.side, height: CIFARReader.side, channels: 3, classNames: classNames,
      pixels: pixels, labels: labels, channelMean: statistics.mean,
      channelDeviation: statistics.deviation)
  }

  /// A file's labels, and where in its bytes the planes of an image lie.
  private struct Batch {
    let labels: [Int32]
    let bytes: Data
    let firstImage: Int
    let stride: Int
  }

  private func read(_ file: URL, as layout: Layout, records: Int) throws -> Batch {
    guard layout == .binary else {
      let pickled = try CIFARPickle(file, of: (name, classNames.count), records: records)
      return Batch(labels: pickled.labels, bytes: pickled.planes, firstImage: 0, stride: CIFARReader.imageBytes)
    }
    let bytes = try DataFile.read(file, size: records * recordBytes, unit: recordBytes)
    return Batch(
      labels: try readLabels(bytes, from: file), bytes: bytes, firstImage: labelBytes, stride: recordBytes)
  }

  private func readLabels(_ bytes: Data, from file: URL) throws -> [Int32] {
    let classes = classNames.count
    return try stride(from: labelBytes - 1, to: bytes.count, by: recordBytes).map { offset in
      guard bytes[offset] < classes else {
        let record = offset / recordBytes
        throw DataError(
          file, at: offset,
          "label \(bytes[offset]) of record \(record) is out of range, \(name) has \(classes) classes")
      }
      return Int32(bytes[offset])
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
  var statistics: ImageStatistics {
    isCIFAR10
      ? ImageStatistics(mean: [0.4914, 0.4822, 0.4465], deviation: [0.2470, 0.2435, 0.2616])
      : ImageStatistics(mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761])
  }
}
