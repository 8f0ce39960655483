// One shard of a recording, read with distrust.

import Foundation
import Torch

/// A shard's file, mapped into memory.
struct RecordingShard {
  let batches: ClosedRange<Int>
  private let file: SafetensorsFile

  /// A block that is not what was recorded.
  struct Damage: Error {
    let problem: String
  }

  /// What is wrong with a shard that was not read.
  static func problem(_ error: any Error) -> String {
    switch error {
    case let damage as Damage: damage.problem
    case let error as TensorFileError: error.problem
    default: "\(error)"
    }
  }

  /// - Throws: `TensorFileError`.
  init(_ batches: ClosedRange<Int>, in folder: URL) throws {
    self.batches = batches
    file = try SafetensorsFile(Recording.shardFile(batches, in: folder))
  }

  /// Whether it has as many blocks as its batches have.
  /// - Throws: `Damage` where it has more or fewer.
  func checkCount(_ signals: [String]) throws {
    let (found, perBatch) = (file.entries.count, max(1, signals.count))
    guard found % perBatch == 0, found / perBatch == batches.count else {
      throw Damage(problem: "the shard holds \(found) blocks, which are not \(signals.count) of each batch")
    }
  }

  /// One signal of one batch, as it is stored.
  /// - Throws: `Damage` where it is not there, its checksum is wrong, or it is of another type or shape.
  func block(_ signal: String, of batch: Int, _ dtype: DType, _ shape: [Int]?) throws -> Tensor {
    try check(signal, of: batch, dtype, shape)
    return try damage { try file.tensor(Recording.blockName(batch, signal)) }
  }

  /// Looks at one signal of one batch. Returns how many bytes it takes.
  /// - Throws: `Damage`, as `block`.
  @discardableResult
  func check(_ signal: String, of batch: Int, _ dtype: DType, _ shape: [Int]?) throws -> Int {
    let name = Recording.blockName(batch, signal)
    return try damage {
      try file.withBytes(of: name) { bytes, entry in
        guard Recording.checksum(of: bytes) == file.metadata[name] else {
          throw Damage(problem: "the checksum of \(signal) is wrong")
        }
        guard entry.dtype == dtype, shape.map({ $0 == entry.shape }) ?? true else {
          throw Damage(problem: "\(signal) is \(entry.dtype)\(entry.shape)")
        }
        return bytes.count
      }
    }
  }

  private func damage<Result>(_ read: () throws -> Result) throws -> Result {
    do {
      return try read()
    } catch let error as TensorFileError {
      throw Damage(problem: error.problem)
    }
  }
}
