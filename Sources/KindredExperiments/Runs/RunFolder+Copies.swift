// What a finished run would hold twice, taken away before it counts as finished, and put back where it goes on.

import Foundation
import Kindred
import Torch

extension RunFolder {
  /// Leaves of the checkpoint what more epochs need beside the weights, and no weights of a best evaluation that was the last.
  func removeCopies() throws {
    guard hasCheckpoint else { return }
    let isLastBest = try lastBest() != nil
    try Checkpoint.shorten(checkpoint, hasAverage: FileManager.default.fileExists(atPath: averageWeights.path))
    if isLastBest { try remove([bestWeights]) }
  }

  /// Makes the checkpoint whole again, and the weights of the best evaluation.
  /// - Throws: `RunError` where the weights are gone.
  func restoreCopies() throws {
    guard hasCheckpoint, try Checkpoint.isShort(checkpoint) else { return }
    let files = FileManager.default
    guard files.fileExists(atPath: weights.path) else {
      throw RunError("\(name) cannot go on: \(weights.displayName) is gone")
    }
    if let best = try lastBest(), !files.fileExists(atPath: bestWeights.path) {
      let (tensors, metadata) = try Safetensors.read(best.isAverage ? averageWeights : weights)
      try Safetensors.write(tensors, metadata: metadata.merging(best.facts) { $1 }, to: bestWeights)
    }
    let hasAverage = files.fileExists(atPath: averageWeights.path)
    // The last: a short checkpoint says that there may be more to put back.
    try Checkpoint.complete(checkpoint, weights: weights, average: hasAverage ? averageWeights : nil)
  }

  /// The best evaluation, where it was that of the last epoch.
  private func lastBest() throws -> RunResult.Best? {
    let progress = try Checkpoint.progress(of: checkpoint)
    return progress.best.flatMap { $0.epoch == progress.position.epoch ? RunResult.Best($0) : nil }
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
