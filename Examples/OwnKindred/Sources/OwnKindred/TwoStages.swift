// A network of one's own, in two widths.

import Graph
import Kindred
import KindredVision
import Torch

/// Two stages of convolutions with group norms, and a linear layer on the last map's mean.
final class TwoStages: Network {
  let stem: [any Layer]
  let stage1: [any Layer]
  let stage2: [any Layer]
  let fc: Linear

  init(width: Int, classes: Int, inputChannels: Int, generator: Generator) {
    stem = TwoStages.block(inputChannels, width, stride: 1, generator)
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
      Convolution(inputs, outputs, kernel: 3, options, bias: false, generator: generator), GroupNorm(4, outputs),
      SiLU(),
    ]
  }
}

extension NetworkFamily {
  /// By the width of the first stage.
  static let twoStages = NetworkFamily(
    title: "Two stages", source: "an example of Kindred's", imageSize: 32,
    members: ["two-stages-8": 8, "two-stages-16": 16]
  ) { width, classes, inputChannels, generator in
    TwoStages(width: width, classes: classes, inputChannels: inputChannels, generator: generator)
  }
}
