// What the networks of three stages share: their taps, their end, and the initialisation of their convolutions.

import Kindred
import Torch

/// Collects the activations that are asked for while a network runs.
struct TapCollector {
  private let request: ActivationRequest
  private(set) var result = Activations()

  init(_ request: ActivationRequest) { self.request = request }

  /// Whether nothing further is asked for.
  var isComplete: Bool { !request.logits && result.taps.count == request.taps.count }

  func wants(_ tap: String) -> Bool { request.taps.contains(tap) }

  mutating func keep(_ tap: String, _ activation: Tensor) {
    if wants(tap) { result.taps[tap] = activation }
  }

  /// Keeps the stem's output. The network goes on with what this returns, a copy where the stem is asked for: a folded
  /// first block writes its sum over its input.
  mutating func keepStem(_ stem: Tensor) -> Tensor {
    guard wants(Architecture.stem) else { return stem }
    keep(Architecture.stem, stem)
    return stem.clone()
  }

  /// Keeps what comes of the last map: its mean over the image, and the classifier's logits of that.
  mutating func keepEnd(_ map: Tensor, _ classifier: Linear) {
    keep(Architecture.last, map)
    if isComplete { return }
    let pooled = map.averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    keep(Activations.pooledName, pooled)
    if request.logits { result.logits = classifier(pooled) }
  }
}

extension Network {
  /// He et al.'s normal initialisation by fan out, variance 2 / (K K Cout), in PyTorch's order of modules.
  func initializeConvolutions(_ generator: Generator) {
    for case let convolution as Convolution in modules {
      let fanOut = Double(convolution.kernel * convolution.kernel * convolution.weight.shape[0])
      generator.fillNormal(convolution.weight, deviation: (2 / fanOut).squareRoot())
    }
  }
}
