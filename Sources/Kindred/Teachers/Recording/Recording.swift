// A recorded teacher on disk: a folder with a header and shards.

import CZlib
import Files
import Foundation
import Torch

/// A folder that holds what a teacher said of each batch of a plan.
///
/// `recording.json` says what was recorded and ends with a checksum of itself. Each shard is a safetensors file that holds
/// batches FIRST to LAST, counted over all epochs from 0, and is called `FIRST-LAST.safetensors`. A block is one signal of
/// one batch: the tensor `BATCH/SIGNAL`, such as `17/similarity.stage3`, float32 or float16. The shard's metadata holds
/// each block's CRC-32 under the block's name. Files appear whole or not at all.
public struct Recording: Sendable {
  /// Where it lies.
  public let folder: URL
  /// What was recorded.
  public let header: RecordingHeader
  /// The batches of each shard, in order.
  let shards: [ClosedRange<Int>]

  /// Opens a recording, whether finished or not: reads its header and the names of its shards.
  /// - Throws: `RecordingError` for a folder that holds none, a damaged header, or shards that overlap.
  public init(_ folder: URL) throws {
    self.folder = folder
    header = try Recording.readHeader(folder)
    shards = try Recording.findShards(folder)
    for (one, next) in zip(shards, shards.dropFirst()) where next.lowerBound <= one.upperBound {
      throw RecordingError(folder, "the shards of batches \(one) and \(next) overlap; delete one of them")
    }
    if let last = shards.last, last.upperBound >= header.batches.count {
      throw RecordingError(folder, "there is a shard of batches \(last), but it has \(header.batches.count) batches")
    }
  }

  /// Whether a folder holds a recording.
  package static func exists(in folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: headerFile(folder).path)
  }

  /// The batches that are not there, in order.
  package var missing: [Range<Int>] {
    let ends = shards.map { $0.lowerBound } + [header.batches.count]
    let starts = [0] + shards.map { $0.upperBound + 1 }
    return zip(starts, ends).compactMap { $0 < $1 ? $0..<$1 : nil }
  }

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
  public func classifier() throws -> TeacherClassifier? {
    guard hasClassifier else { return nil }
    do {
      let (tensors, _) = try Safetensors.read(Recording.classifierFile(folder))
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
    do {
      try Safetensors.write(
        ["weight": classifier.weight.to(device: .cpu), "bias": classifier.bias.to(device: .cpu)],
        to: Recording.classifierFile(folder))
    } catch let error as TensorFileError {
      throw RecordingError(folder, error.problem)
    }
  }

  static func classifierFile(_ folder: URL) -> URL { folder.appending(path: "classifier.safetensors") }

  static func headerFile(_ folder: URL) -> URL { folder.appending(path: "recording.json") }

  static func shardFile(_ batches: ClosedRange<Int>, in folder: URL) -> URL {
    let numbers = [batches.lowerBound, batches.upperBound].map { number in
      String(repeating: "0", count: max(0, 8 - "\(number)".count)) + "\(number)"
    }
    return folder.appending(path: "\(numbers[0])-\(numbers[1]).safetensors")
  }

  static func blockName(_ batch: Int, _ statistic: TeacherStatistic) -> String { "\(batch)/\(statistic.name)" }

  private static func findShards(_ folder: URL) throws -> [ClosedRange<Int>] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    } catch {
      throw RecordingError(folder, "cannot be read: \(systemReason(error))")
    }
    return names.compactMap { name in
      guard let match = name.wholeMatch(of: /(\d+)-(\d+)\.safetensors/), let first = Int(match.1),
        let last = Int(match.2), first <= last
      else { return nil }
      return first...last
    }.sorted { $0.lowerBound < $1.lowerBound }
  }
}

// MARK: - The header's file

extension Recording {
  private struct Document: Codable {
    let recording: RecordingHeader
    let checksum: String
  }

  static func write(_ header: RecordingHeader, to folder: URL) throws {
    let document = Document(recording: header, checksum: checksum(of: try encode(header)))
    do {
      try AtomicFile.write(try encode(document) + Data("\n".utf8), to: headerFile(folder))
    } catch {
      throw RecordingError(folder, "recording.json cannot be written: \(error)")
    }
  }

  private static func readHeader(_ folder: URL) throws -> RecordingHeader {
    guard exists(in: folder) else { throw RecordingError(folder, "there is no recording here (no recording.json)") }
    let data: Data
    do {
      data = try Data(contentsOf: headerFile(folder))
    } catch {
      throw RecordingError(folder, "recording.json cannot be read: \(systemReason(error))")
    }
    guard let document = try? JSONDecoder().decode(Document.self, from: data),
      document.checksum == checksum(of: try encode(document.recording))
    else { throw RecordingError(folder, "recording.json is damaged; record again") }
    guard document.recording.version == 1 else {
      throw RecordingError(folder, "its layout has version \(document.recording.version), this Kindred reads version 1")
    }
    guard document.recording.batches.isPossible else {
      throw RecordingError(folder, "recording.json says that it holds no batches, or impossible ones; record again")
    }
    guard document.recording.teacher.isPossible else {
      throw RecordingError(folder, "recording.json says that its teacher gives impossible shapes; record again")
    }
    return document.recording
  }

  private static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  private static func checksum(of data: Data) -> String { data.withUnsafeBytes { checksum(of: $0) } }

  /// CRC-32 as eight hexadecimal digits.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> String {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    let digits = String(crc32_z(0, start, bytes.count), radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
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
