// A network as it is after some training, for tests of what is done to frozen ones, and all that one gives.

import Kindred
import KindredVision
import Testing
import Torch

let stages = ["stage1", "stage2", "stage3"]
let taps = ["stem"] + stages.flatMap { [$0, $0 + ".pre"] } + ["last", "pooled"]
let everything = ActivationRequest(logits: true, taps: Set(taps))

extension Architecture {
  /// All that it gives.
  var everything: ActivationRequest { ActivationRequest(logits: true, taps: Set(taps)) }
}

/// Statistics and scales that are not the trivial ones, from weights that are a function of the name.
func usedNetwork(_ name: String, side: Int = 32) throws -> Network {
  let network = try #require(Architecture(name: name)).network(classes: 10, generator: Generator(seed: 3))
  let generator = Generator(seed: 6)
  withoutGradients {
    for module in network.modules {
      guard let norm = module as? BatchNorm else { continue }
      generator.fillUniform(norm.weight, 0.5..<1.5)
      generator.fillUniform(norm.bias, -0.3..<0.3)
    }
    for _ in 0..<2 { _ = network.activations(of: generator.normal([8, 3, side, side]), .logits) }
  }
  network.evaluate()
  return network
}
