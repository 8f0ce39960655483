// Images to train on and images to measure on, as one value.

import Kindred
import Torch

/// Two sets of images of the same kind.
public struct ImageData: TrainingData {
  /// What is trained on.
  public let training: ImageSet
  /// What is measured on.
  public let test: ImageSet
  /// What is done to training images.
  public let augmentation: Augmentation

  /// Two sets; crops of up to 4 pixels and flips, as is usual on CIFAR, where nothing else is given.
  public init(training: ImageSet, test: ImageSet, augmentation: Augmentation = Augmentation(cropPadding: 4, flip: true))
  {
    (self.training, self.test, self.augmentation) = (training, test, augmentation)
  }

  /// The generated textures, which need no download.
  public static func textures(train: Int, test: Int) -> ImageData {
    ImageData(
      training: Textures.images(count: train, split: .train), test: Textures.images(count: test, split: .test))
  }

  public var inputShape: [Int] { training.shape }

  public var samples: LossSetup.Samples {
    LossSetup.Samples(count: training.count, labels: training.isLabelled ? training.labels.map(Int.init) : nil)
  }

  public func batches(for recipe: Recipe) -> any BatchSource {
    let plan = BatchPlan(
      count: training.count, batchSize: recipe.batchSize, seed: recipe.planSeed ?? recipe.seed,
      augmentation: augmentation, dropsLast: recipe.dropLast, repeatsAfter: recipe.planEpochs,
      shardSizes: training.shardSizes)
    return ImageBatches(training, plan: plan, epochs: recipe.epochs, device: recipe.device.device)
  }

  public func evaluation(of network: Network, on device: Device) throws -> Evaluation {
    try network.evaluation(on: EvaluationImages(test, device: device).batches(), classCount: test.classNames.count)
  }
}
