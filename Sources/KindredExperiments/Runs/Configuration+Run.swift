// What all that runs a configuration has in common: device, threads and batches.

import Kindred
import KindredVision
import Torch

extension Configuration {
  /// - Throws: `RunError` for a device that is not there.
  func checkDevice() throws {
    guard training.device == .cuda, Runtime.cudaDeviceCount == 0 else { return }
    throw RunError("training.device: no CUDA device was found (see kindred doctor); use cpu")
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
  /// - Parameter teacher: the images as the teacher sees them; nil for as the student does.
  func batches(of images: ImageSet, teacher: ImageSet? = nil, epochs: Int) -> ImageBatches {
    ImageBatches(images, teacher: teacher, plan: plan(images), epochs: epochs, device: device)
  }

  var batchesPerEpoch: Int { plan().batchesPerEpoch }

  /// The number of images in an epoch's last batch.
  var lastBatchSize: Int {
    let others = unlabelledPart?.perBatch ?? 0
    let rest = trainingImageCount % (training.batchSize - others)
    return training.dropLast || rest == 0 ? training.batchSize : rest + others
  }
}
