// A recorded teacher on disk: a folder with a header and shards.

import Files
import Foundation
import Torch

/// A folder that holds what a teacher said of each batch of a plan.
///
/// `recording.json` says what was recorded and ends with a checksum of itself; it is called `recording-unfinished.json` until
/// all batches are there. Each shard is a safetensors file that holds batches FIRST to LAST, counted over all epochs from 0,
/// and is called `FIRST-LAST.safetensors`; `RecordingLayout` says which they are. A block is one signal of one batch: the
/// tensor `BATCH/SIGNAL`, such as `17/similarity.stage3`, float32 or float16. The shard's metadata holds each block's CRC-32
/// under the block's name. Files appear whole or not at all. A shard that lies within another one is what a killed process
/// left, and does not count.
public struct Recording: Sendable {
  /// Where it lies.
  public let folder: URL
  /// What was recorded.
  public let header: RecordingHeader
  let shards: RecordingShards

  /// Opens a recording, whether finished or not: reads its header and the names of its shards.
  /// - Throws: `RecordingError` for a folder that holds none, a damaged header, or shards that overlap.
  public init(_ folder: URL) throws {
    self.folder = folder
    guard let header = try Recording.readHeader(folder) else {
      throw RecordingError(folder, "there is no recording here (no \(Recording.headerName))")
    }
    self.header = header
    shards = try RecordingShards(in: folder)
    if let (one, next) = shards.overlaps.first {
      throw RecordingError(folder, "the shards of batches \(one) and \(next) overlap; delete one of them")
    }
    if let last = shards.kept.last, last.upperBound >= header.batches.count {
      throw RecordingError(folder, "there is a shard of batches \(last), but it has \(header.batches.count) batches")
    }
  }

  /// Whether a folder holds a recording, whether finished or not.
  package static func exists(in folder: URL) -> Bool {
    [headerFile(folder), unfinishedHeaderFile(folder)].contains { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// The batches that are not there, in order.
  package var missing: [Range<Int>] { shards.gaps(in: 0..<header.batches.count) }

  /// - Throws: `RecordingError` where batches are missing, or one of these was not recorded.
  package func require(_ statistics: Set<TeacherStatistic>) throws {
    let names = statistics.map(\.name).sorted()
    if let name = names.first(where: { !header.signals.contains($0) }) {
      throw RecordingError(
        folder,
        "recorded for \(header.methods.joined(separator: ", ")) (\(header.signals.joined(separator: ", "))), this run "
          + "needs \(name)")
    }
    guard let gap = missing.first else { return }
    let left = missing.reduce(0) { $0 + $1.count }
    throw RecordingError(
      folder,
      "\(left) of \(header.batches.count) batches are missing, from epoch \(gap.lowerBound / header.batches.perEpoch + 1), "
        + "batch \(gap.lowerBound % header.batches.perEpoch + 1) on; complete it with kindred record ... --resume")
  }

  /// Whether the teacher's classifier was recorded too.
  package var hasClassifier: Bool { FileManager.default.fileExists(atPath: Recording.classifierFile(folder).path) }

  /// The teacher's last, linear layer; nil where no method that it was made for needs it.
  /// - Throws: `RecordingError` where its file is damaged.
  public func classifier() throws -> TeacherClassifier? { try Recording.classifier(in: folder, header) }

  static func classifier(in folder: URL, _ header: RecordingHeader) throws -> TeacherClassifier? {
    guard FileManager.default.fileExists(atPath: classifierFile(folder).path) else { return nil }
    do {
      let (tensors, _) = try Safetensors.read(classifierFile(folder))
      guard let weight = tensors["weight"], let bias = tensors["bias"], weight.isFloatingPoint, bias.isFloatingPoint,
        weight.shape.count == 2, bias.shape == [weight.shape[0]], weight.shape[0] == header.teacher.classes
      else {
        throw RecordingError(folder, "classifier.safetensors holds no layer of the teacher's classes; record again")
      }
      guard weight.isAllFinite, bias.isAllFinite else {
        throw RecordingError(folder, "classifier.safetensors holds NaN or infinity; record again")
      }
      return TeacherClassifier(weight: weight, bias: bias)
    } catch let error as TensorFileError {
      throw RecordingError(folder, "classifier.safetensors \(error.problem); record again")
    }
  }

  /// Keeps the teacher's classifier beside the shards.
  /// - Throws: `RecordingError` where it cannot be written.
  public func write(_ classifier: TeacherClassifier) throws {
    let tensors = ["weight": classifier.weight.to(device: .cpu), "bias": classifier.bias.to(device: .cpu)]
    try Recording.write(tensors, to: Recording.classifierFile(folder), in: folder)
  }

  /// Writes tensors into a folder in which others may write the same.
  static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to file: URL, in folder: URL
  ) throws {
    let data = try Safetensors.encode(tensors, metadata: metadata)
    do throws(SystemError) {
      try AtomicFile.write(data, to: file, isShared: true)
    } catch {
      throw RecordingError(folder, "\(file.lastPathComponent) cannot be written: \(error)")
    }
  }

  static func classifierFile(_ folder: URL) -> URL { folder.appending(path: "classifier.safetensors") }

  static func shardFile(_ batches: ClosedRange<Int>, in folder: URL) -> URL {
    let numbers = [batches.lowerBound, batches.upperBound].map { number in
      String(repeating: "0", count: max(0, 8 - "\(number)".count)) + "\(number)"
    }
    return folder.appending(path: "\(numbers[0])-\(numbers[1]).safetensors")
  }

  static func blockName(_ batch: Int, _ signal: String) -> String { "\(batch)/\(signal)" }
}

/// A recording that cannot be read or written, or that is of something else.
public struct RecordingError: Error, CustomStringConvertible, Sendable {
  /// The recording's folder.
  public let folder: URL
  /// What is wrong, and what to do where that is known.
  public let problem: String

  init(_ folder: URL, _ problem: String) {
    self.folder = folder
    self.problem = problem
  }

  public var description: String { "\(folder.relativePath): \(problem)" }
}
