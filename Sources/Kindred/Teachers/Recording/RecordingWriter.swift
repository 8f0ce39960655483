// From a teacher's output to shards.

import Foundation
import Torch

/// Gathers blocks in memory and writes them as shards.
public final class RecordingWriter {
  /// A shard is written once it has this many bytes.
  private static let shardBytes = 16 << 20

  private let folder: URL
  private let statistics: [TeacherStatistic]
  private let storage: RecordingHeader.Storage
  private var batches: ClosedRange<Int>?
  private var blocks: [String: Tensor] = [:]
  private var bytes = 0

  /// Makes the folder's header, or goes on with a recording of the very same thing.
  /// - Throws: `RecordingError`, naming what differs from the recording that is there.
  public init(_ header: RecordingHeader, statistics: Set<TeacherStatistic>, to folder: URL) throws {
    self.folder = folder
    self.statistics = statistics.sorted { $0.name < $1.name }
    storage = header.storage
    if !Recording.exists(in: folder) {
      try Recording.write(header, to: folder)
    } else if let difference = header.difference(from: try Recording(folder).header) {
      throw RecordingError(folder, "\(difference); choose another folder with --out")
    }
  }

  /// Adds a batch, which is counted over all epochs and follows the one added before or begins a new shard.
  /// - Throws: `RecordingError` where a shard cannot be written.
  public func append(_ output: TeacherOutput, batch: Int) throws {
    if let batches, batch != batches.upperBound + 1 { try flush() }
    batches = (batches?.lowerBound ?? batch)...batch
    for statistic in statistics {
      let block = output[statistic].to(storage.dtype, device: .cpu).contiguous()
      try check(block, statistic, batch: batch)
      blocks[Recording.blockName(batch, statistic)] = block
      bytes += block.count * storage.dtype.byteCount
    }
    if bytes >= RecordingWriter.shardBytes { try flush() }
  }

  /// A signal that is not finite, or is not any more in fewer bits, would be learnt from long after anybody looks.
  private func check(_ block: Tensor, _ statistic: TeacherStatistic, batch: Int) throws {
    guard !block.isSound(asLogits: statistic == .logits) else { return }
    let reason =
      storage == .float16
      ? "NaN or infinity in it, or what is beyond 65504 and does not fit float16; try float32" : "NaN or infinity in it"
    throw RecordingError(folder, "the teacher gives '\(statistic.name)' of batch \(batch) with \(reason)")
  }

  /// Writes what is gathered.
  /// - Throws: `RecordingError`, such as for a full disk.
  public func flush() throws {
    guard let batches else { return }
    let checksums = blocks.mapValues { $0.bytes().withUnsafeBytes { Recording.checksum(of: $0) } }
    do {
      try Safetensors.write(blocks, metadata: checksums, to: Recording.shardFile(batches, in: folder))
    } catch let error as TensorFileError {
      throw RecordingError(folder, error.problem)
    }
    self.batches = nil
    blocks = [:]
    bytes = 0
  }
}
