// What a distiller needs to know of data: batches, samples, and how to measure.

import Torch

/// Data that a network is trained on and measured on.
public protocol TrainingData {
  /// The shape of one input, C x H x W for images.
  var inputShape: [Int] { get }

  /// The training samples.
  var samples: LossSetup.Samples { get }

  /// The training batches of a recipe.
  func batches(for recipe: Recipe) -> any BatchSource

  /// How well a network does on what it is measured on.
  /// - Throws: what is wrong with the data, such as a file that cannot be read.
  func evaluation(of network: Network, on device: Device) throws -> Evaluation
}
