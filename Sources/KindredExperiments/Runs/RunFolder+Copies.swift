// What a finished run would hold twice, taken away, and put back where it is to have more epochs.

import Foundation
import Kindred
import Torch

extension RunFolder {
  /// Leaves of the checkpoint what more epochs need beside the weights, and no weights of a best evaluation that was the last.
  func removeCopies(_ result: RunResult) throws {
    if hasCheckpoint {
      try Checkpoint.shorten(checkpoint, hasAverage: FileManager.default.fileExists(atPath: averageWeights.path))
    }
    if result.isLastBest { try remove([bestWeights]) }
  }

  /// Makes the checkpoint whole again, and the weights of the best evaluation.
  /// - Throws: `RunError` where the weights are gone.
  func restoreCopies(_ result: RunResult) throws {
    guard hasCheckpoint else { return }
    let isThere = FileManager.default.fileExists(atPath: weights.path)
    guard isThere else { throw RunError("\(name) cannot go on: \(weights.displayName) is gone") }
    let hasAverage = FileManager.default.fileExists(atPath: averageWeights.path)
    try Checkpoint.complete(checkpoint, weights: weights, average: hasAverage ? averageWeights : nil)
    guard result.isLastBest, let best = result.best, !FileManager.default.fileExists(atPath: bestWeights.path) else {
      return
    }
    let (tensors, metadata) = try Safetensors.read(best.isAverage ? averageWeights : weights)
    try Safetensors.write(tensors, metadata: metadata.merging(best.facts) { $1 }, to: bestWeights)
  }
}

extension RunResult {
  /// Whether no evaluation was better than that of the last weights, or of their average.
  var isLastBest: Bool { best?.epoch == epochs }
}

extension RunResult.Best {
  /// What the file of its weights says of it.
  var facts: [String: String] { ["epoch": "\(epoch)", "accuracy_percent": "\(accuracyPercent)"] }
}
