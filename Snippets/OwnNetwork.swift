import Graph
import Kindred
import Torch

/// Two stages of convolutions with batch norms, and a linear layer on the last map's mean.
final class TwoStages: Network {
  let stem: [any Layer]
  let stage1: [any Layer]
  let stage2: [any Layer]
  let fc: Linear

  init(width: Int, classes: Int, generator: Generator) {
    stem = TwoStages.block(3, width, stride: 1, generator)
    stage1 = TwoStages.block(width, width, stride: 2, generator)
    stage2 = TwoStages.block(width, 2 * width, stride: 2, generator)
    fc = Linear(2 * width, classes, generator: generator)
  }

  override var classifier: Linear? { fc }

  override func forward(_ images: Tensor, _ taps: Taps) -> Tensor? {
    var output = stem(images)
    for (index, stage) in [stage1, stage2].enumerated() {
      output = stage(output)
      taps["stage\(index + 1)"] = output
    }
    let pooled = output.averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    taps["pooled"] = pooled
    return fc(pooled)
  }

  private static func block(_ inputs: Int, _ outputs: Int, stride: Int, _ generator: Generator) -> [any Layer] {
    let options = ConvolutionOptions(stride: stride, padding: 1)
    return [
      Convolution(inputs, outputs, kernel: 3, options, bias: false, generator: generator), BatchNorm(outputs), ReLU(),
    ]
  }
}

let network = TwoStages(width: 16, classes: 10, generator: Generator(seed: 1))
let graph = try network.graph(of: [3, 32, 32])
print(graph.taps.map(\.name), graph.parameterCount, graph.multiplyAdds)
