// A network of the layers without kinks, as Tests/Golden/torch_cases.py has it.

import Graph
import Kindred
import Torch

/// Every smooth activation, and norms of groups, of maps, of a map's channels and of vectors, for images of 3 x 6 x 6.
package final class SmoothNetwork: Network {
  package let stem: Convolution
  package let norm1 = GroupNorm(4, 8)
  package let stage1: [any Layer]
  package let channels = LayerNorm([6], epsilon: 1e-6)
  package let norm: [any Layer] = [LayerNorm([6], elementwiseAffine: false), LayerNorm([6], bias: false)]
  package let dropout: Dropout
  package let fc: Linear

  package init(dropout ratio: Double = 0, seed: UInt64 = 1) {
    let generator = Generator(seed: seed)
    stem = Convolution(3, 8, kernel: 3, .init(stride: 1, padding: 1), generator: generator)
    stage1 = [
      Convolution(8, 8, kernel: 3, .init(stride: 1, padding: 1, groups: 2), generator: generator),
      GroupNorm(2, 8, affine: false), GELU(), Convolution(8, 6, kernel: 1, generator: generator),
      LayerNorm([6, 6, 6]), GELU(approximate: .tanh),
    ]
    dropout = Dropout(ratio)
    fc = Linear(6, 3, generator: generator)
  }

  package override var classifier: Linear? { fc }

  package override func forward(_ images: Tensor, _ taps: Taps) -> Tensor? {
    let stem = SiLU()(norm1(stem(images)))
    taps["stem"] = stem
    let stage = stage1(stem)
    let map = Tanh()(channels(stage.permuted([0, 2, 3, 1])).permuted([0, 3, 1, 2]))
    taps["last"] = map
    let pooled = map.averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    return fc(dropout(norm(pooled)))
  }
}
