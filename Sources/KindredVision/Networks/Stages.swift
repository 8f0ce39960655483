// What the networks of three stages share: running stage after stage, and the initialisation of their convolutions.

import Kindred
import Torch

/// Blocks that work at one resolution.
protocol Stage {
  func callAsFunction(_ input: Tensor) -> Tensor
}

extension Network {
  /// Runs stages in order, keeps those outputs that are asked for, and stops once nothing further is.
  func run(
    _ stages: [(name: String, stage: any Stage)], on input: Tensor, _ request: ActivationRequest
  ) -> (result: Activations, output: Tensor) {
    var result = Activations()
    var output = input
    for (name, stage) in stages where request.logits || result.taps.count < request.taps.count {
      output = stage(output)
      if request.taps.contains(name) { result.taps[name] = output }
    }
    return (result, output)
  }

  /// He et al.'s normal initialisation by fan out, variance 2 / (K K Cout), in PyTorch's order of modules.
  func initializeConvolutions(_ generator: Generator) {
    for case let convolution as Convolution in modules {
      let fanOut = Double(convolution.kernel * convolution.kernel * convolution.weight.shape[0])
      generator.fillNormal(convolution.weight, deviation: (2 / fanOut).squareRoot())
    }
  }
}
