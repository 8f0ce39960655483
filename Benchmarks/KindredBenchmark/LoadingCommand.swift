// Images from a folder to batches: the same measurement as `pytorch_loading.py`, with the same arguments and JSON.

import ArgumentParser
import Foundation
import Kindred
import KindredVision
import Torch

/// Times how fast a folder's images become batches for a network, and nothing else.
struct LoadingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "loading", abstract: "Time the loading of a folder.")

  @Option(help: "The folder of class folders.") var folder: String
  @Option(help: "The side of the square that a network sees.") var side = 224
  @Option var batch = 64
  @Option(help: "Passes over the folder.") var epochs = 1
  @Flag(help: "Keep decoded images in memory, and leave the first pass out.") var kept = false
  @Flag(help: "As evaluation sees them.") var evaluation = false

  private struct Line: Encodable {
    let images: Int
    let seconds: Double
    let peakMemoryMb: Double
  }

  func run() throws {
    var own = OwnImages(train: URL(filePath: folder), size: side)
    own.statistics = .imageNet
    own.memory = kept ? .max : 0
    let images = try own.load(.train)
    if kept { _ = try pass(images) }
    let start = ContinuousClock.now
    let count = try (0..<epochs).reduce(0) { count, _ in try count + pass(images) }
    let seconds = (.now - start) / .seconds(1)
    try printJSON(Line(images: count, seconds: seconds, peakMemoryMb: PeakMemory.resident), oneLine: true)
  }

  /// Loads every image once.
  private func pass(_ images: ImageSet) throws -> Int {
    var batches = evaluation ? EvaluationImages(images, batchSize: batch).batches() : training(images)
    var count = 0
    while let batch = try batches.next() { count += batch.count }
    return count
  }

  private func training(_ images: ImageSet) -> any BatchIterator {
    let plan = BatchPlan(
      count: images.count, batchSize: batch, seed: 1, augmentation: Augmentation(randomResizedCrop: 0.08, flip: true))
    return ImageBatches(images, plan: plan, epochs: 1).batches(from: BatchPosition())
  }
}
