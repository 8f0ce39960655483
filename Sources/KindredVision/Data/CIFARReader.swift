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

  let name: DataSetName
  /// Records in each training file and in the test file; smaller only in tests.
  let trainingRecords: Int
  let testRecords: Int

  package init(_ name: DataSetName, trainingRecords: Int? = nil, testRecords: Int = 10_000) {
    self.name = name
    self.trainingRecords = trainingRecords ?? (name == .cifar10 ? 10_000 : 50_000)
    self.testRecords = testRecords
  }

  private var labelBytes: Int { name == .cifar10 ? 1 : 2 }
  private var recordBytes: Int { labelBytes + CIFARReader.imageBytes }
  private func records(_ split: DataSplit) -> Int { split == .train ? trainingRecords : testRecords }

  /// The folder inside the official archive, as torchvision leaves it too.
  func archiveFolder(_ layout: Layout = .binary) -> String {
    switch (name, layout) {
    case (.cifar10, .binary): "cifar-10-batches-bin"
    case (.cifar10, .python): "cifar-10-batches-py"
    case (_, .binary): "cifar-100-binary"
    case (_, .python): "cifar-100-python"
    }
  }

  func fileNames(_ split: DataSplit, _ layout: Layout = .binary) -> [String] {
    let ending = layout == .binary ? ".bin" : ""
    switch (name, split) {
    case (.cifar10, .train): return (1...5).map { "data_batch_\($0)\(ending)" }
    case (.cifar10, .test): return ["test_batch\(ending)"]
    default: return ["\(split.rawValue)\(ending)"]
    }
  }

  /// The bytes a binary file of this split has.
  func fileBytes(_ split: DataSplit) -> Int { recordBytes * records(split) }

  /// Where the files are: in a folder of the set's name, in the archive's, or in the folder itself; binary ones first.
  private func locate(_ split: DataSplit, in folder: URL) throws -> (layout: Layout, files: [URL]) {
    let own = folder.appendingPathComponent(name.rawValue)
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
    var labels: [UInt16] = []
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
    let (mean, deviation) = CIFARReader.statistics(name)
    return ImageSet(
      name: name.rawValue, width: CIFARReader.side, height: CIFARReader.side, channels: 3, classNames: name.classNames,
      pixels: pixels, labels: labels, channelMean: mean, channelDeviation: deviation)
  }

  /// A file's labels, and where in its bytes the planes of an image lie.
  private struct Batch {
    let labels: [UInt16]
    let bytes: Data
    let firstImage: Int
    let stride: Int
  }

  private func read(_ file: URL, as layout: Layout, records: Int) throws -> Batch {
    guard layout == .binary else {
      let pickled = try CIFARPickle(file, of: name, records: records)
      return Batch(labels: pickled.labels, bytes: pickled.planes, firstImage: 0, stride: CIFARReader.imageBytes)
    }
    let bytes = try DataFile.read(file, size: records * recordBytes, unit: recordBytes)
    return Batch(
      labels: try readLabels(bytes, from: file), bytes: bytes, firstImage: labelBytes, stride: recordBytes)
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
