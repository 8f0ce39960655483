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
  func evaluation(of network: Network, on device: Device) -> Evaluation
}

extension Network {
  /// What the network gives for inputs of a shape, found out with an input of zeros.
  public func description(name: String, inputShape: [Int]) -> NetworkDescription {
    let wasTraining = isTraining
    evaluate()
    defer { train(wasTraining) }
    let device = state.first?.tensor.device ?? .cpu
    let given = withoutGradients {
      activations(
        of: .zeros([1] + inputShape, device: device), ActivationRequest(logits: true, taps: Set(tapNames)))
    }
    return NetworkDescription(
      name: name, classes: given.logits?.shape.last, taps: given.taps.mapValues { Array($0.shape.dropFirst()) })
  }
}
