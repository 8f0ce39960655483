// The ONNX file that a configuration names: read for a run's images, and told apart by what is in it.

import Foundation
import Graph
import Kindred
import KindredVision
import Synchronization

extension Configuration.ONNXSource {
  /// What is known of a file, kept while it stays the same: a configuration asks for it often.
  struct Inspection: Sendable {
    let facts: NetworkFacts
    let remarks: [String]
  }

  private struct Key: Hashable {
    let path: String
    let size: Int?
    let modified: Date?
    let image: [Int]
    let taps: [String: String]
  }

  private static let known = Mutex<[Key: Inspection]>([:])

  /// - Throws: `ConfigurationError`.
  func inspection(image: [Int]) throws -> Inspection {
    let values = try? file.url.resourceValues(forKeys: [.fileSizeKey, .contentModificationDateKey])
    let key = Key(
      path: file.url.path, size: values?.fileSize, modified: values?.contentModificationDate, image: image, taps: taps)
    if let inspection = Self.known.withLock({ $0[key] }) { return inspection }
    let read = try readStudent(image: image)
    let facts = NetworkFacts(name: file.url.lastPathComponent, read.graph)
    let inspection = Inspection(facts: facts, remarks: read.remarks)
    Self.known.withLock { $0[key] = inspection }
    return inspection
  }

  /// The file, read as a network that is to be trained on images of a shape.
  /// - Throws: `ConfigurationError`.
  func readStudent(image: [Int]) throws -> ONNXFile {
    do {
      let read = try read(image: image)
      try read.requireTrainable()
      guard try input(of: read) == .normalized else {
        throw ConfigurationError(
          key: "student.onnx",
          message: "\(file.url.displayName) normalises its images itself, which a student does not; export it without")
      }
      return read
    } catch let error as ONNXError {
      throw ConfigurationError(key: "student.onnx", message: "\(file.url.displayName): \(error.problem)")
    }
  }
}

extension Configuration.ONNXSource {
  /// The file, read for images of a shape.
  /// - Throws: `ONNXError`.
  func read(image: [Int]) throws -> ONNXFile {
    try ONNXFile(
      file.url, inputShape: image,
      namedTaps: taps.sorted { $0.key < $1.key }.map { Graph.Tap(name: $0.key, value: $0.value) })
  }

  /// What the network takes, as the configuration says it or else the file.
  /// - Throws: `RunError` for a word that is not known.
  func input(of read: ONNXFile) throws -> StudentExport.Input { try input ?? StudentExport.Input(of: read) }

  /// SHA-256 of the file, and of the data that lie beside it.
  /// - Throws: `RunError` for a file that cannot be read.
  func digest() throws -> String {
    try refused {
      let files = [file.url] + (try ONNXFile.externalFiles(of: file.url))
      let digests = try files.map { try Digest.sha256.hex(of: $0) }
      return digests.count == 1 ? digests[0] : Digest.sha256.hex(of: Array(digests.joined().utf8))
    }
  }

  /// The file's bytes, with the data that lie beside it.
  /// - Throws: `RunError` for a file that cannot be read.
  func selfContained() throws -> Data { try refused { try ONNXFile.selfContained(file.url) } }

  /// Makes one line of what is wrong with the file.
  private func refused<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as ONNXError {
      throw RunError("\(file.url.displayName): \(error.problem)")
    } catch let error as DataError {
      throw RunError(error.description)
    }
  }
}
