// What all that runs a configuration has in common: device, threads and batches.

import Foundation
import Kindred
import KindredVision
import Torch

extension Configuration {
  /// - Throws: `RunError` for a device that is not there.
  func checkDevice() throws {
    guard training.device == .cuda, Runtime.cudaDeviceCount == 0 else { return }
    // Each process of a machine sees the device of its number alone.
    let visible = ProcessInfo.processInfo.environment["CUDA_VISIBLE_DEVICES"].map { " (CUDA_VISIBLE_DEVICES=\($0))" }
    throw RunError(
      "training.device: no CUDA device was found\(visible ?? ""); see kindred doctor, start no more processes than there are "
        + "devices, or use cpu")
  }

  /// - Throws: `ConfigurationError` where a process would have too few of a batch's images.
  func check(processes: Int) throws {
    let smallest = min(training.batchSize, lastBatchSize)
    let least = training.syncBatchNorm ? 1 : 2
    guard processes > 1, smallest / processes < least else { return }
    let what = smallest < training.batchSize ? "an epoch's last batch of \(smallest)" : "a batch of \(smallest)"
    throw ConfigurationError(
      key: "training.batch_size",
      message: "\(what) images leaves some of \(processes) processes fewer than \(least); use larger batches"
        + (smallest < training.batchSize ? ", drop_last: true" : "") + " or fewer processes")
  }

  var device: Device { training.device.device }

  /// Order, crops and flips of the training images.
  private func plan(_ images: ImageSet? = nil) -> BatchPlan {
    BatchPlan(
      count: images?.count ?? trainingImageCount + (unlabelledPart?.count ?? 0), batchSize: training.batchSize,
      seed: planSeed,
      augmentation: data.augmentation, dropsLast: training.dropLast, repeatsAfter: training.planEpochs,
      shardSizes: images?.shardSizes, unlabelled: unlabelledPart)
  }

  /// The training batches.
  /// - Parameters:
  ///   - teacher: the images as the teacher sees them; nil for as the student does.
  ///   - rank: whose rows of each batch.
  func batches(of images: ImageSet, teacher: ImageSet? = nil, epochs: Int, rank: Rank = .only) -> ImageBatches {
    ImageBatches(images, teacher: teacher, plan: plan(images), epochs: epochs, device: device, rank: rank)
  }

  var batchesPerEpoch: Int { plan().batchesPerEpoch }

  /// The number of images in an epoch's last batch.
  var lastBatchSize: Int {
    let others = unlabelledPart?.perBatch ?? 0
    let rest = trainingImageCount % (training.batchSize - others)
    return training.dropLast || rest == 0 ? training.batchSize : rest + others
  }
}
