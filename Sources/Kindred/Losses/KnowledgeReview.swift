// ReviewKD: a shallow layer of the teacher teaches all layers of the student that are as deep or deeper.

import Torch

/// ReviewKD: Chen, Liu, Zhao & Jia, *Distilling Knowledge via Knowledge Review*, CVPR 2021, section 3.
///
/// The levels are pairs of pre-activation maps from shallow to deep, and as the deepest the pooled vectors as 1 x 1 maps.
/// From the deepest up, a level's student map is brought to `mid` channels, the map carried from the level below is
/// resized to it, and both are summed with weights that an attention draws from the two (`ReviewBlock`). The sum is
/// carried on, and from it comes a map of the teacher's shape; the loss is the sum over levels of the hierarchical
/// context loss of that map and the teacher's. `mid` is 512, or the teacher's pooled width where that is less.
///
/// The hierarchical context loss of two maps of side h: the mean squared difference of the maps themselves and of both
/// average-pooled to 4, 2 and 1, as far as these are below h, with the weights 1, 1/2, 1/4 ... over their sum.
///
/// Agrees with `CIFAR-100/model/reviewkd.py` of dvlab-research/ReviewKD. Its weight rises linearly over the first epochs,
/// and belongs to the pair of networks: 5 for Wide ResNets and ResNet-8x4, there 0.6 for ResNet-20 and 1 for ResNet-32.
public struct KnowledgeReview: Method {
  public static let card = MethodCard(
    name: "reviewkd", paper: "Chen et al. (ReviewKD), CVPR 2021",
    formula: """
      o: a level's student map fused with the deeper ones', at the teacher's shape
      sum over levels of the mean squared differences of o and A_t, whole and pooled to 4, 2, 1, weighted 1, 1/2, 1/4 ...
      """,
    agreesWith: "CIFAR-100/model/reviewkd.py of dvlab-research/ReviewKD",
    compares: "pre-activations, maps, and pooled vectors",
    trains: "a block of two convolutions, batch norms and an attention for each level",
    records: "the teacher's maps (large) and pooled vectors", weight: 5,
    publishedWeight: "0.6 for ResNet-56 to ResNet-20, 1 for ResNet-110 to ResNet-32, 8 for ResNet-32x4 to ShuffleNetV2",
    loneInput: "the batch norm of one pooled vector leaves nothing of it", warmUpEpochs: 20)
  public static let settings = [
    Setting.layers(
      \KnowledgeReview.layers, "what is compared beside the pooled vectors, from input to output: maps before ReLUs")
  ]

  public static let usualLayers: UsualLayers? = .preActivations

  public var layers: [LayerPair] = []

  /// Compares the pre-activations of all stages of the networks that `loss(for:)` is given.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let pooled = try setup.pooledWidths()
    let middle = min(512, pooled.teacher)
    let layers = try setup.resolved(self).layers
    let maps = try layers.map { try setup.maps($0, name) }
    let deepest = ReviewBlock(pooled.student, middle, pooled.teacher, attends: false, generator: setup.generator)
    let others = maps.reversed().map {
      ReviewBlock($0.student.channels, middle, $0.teacher.channels, attends: true, generator: setup.generator)
    }
    return KnowledgeReviewLoss(
      levels: [LayerPair(Activations.pooledName)] + layers.reversed(), blocks: ReviewBlocks([deepest] + others))
  }
}

/// The review of known levels.
struct KnowledgeReviewLoss: DistillationLoss {
  /// From the deepest up.
  private let levels: [LayerPair]
  private let blocks: ReviewBlocks

  init(levels: [LayerPair], blocks: ReviewBlocks) {
    (self.levels, self.blocks) = (levels, blocks)
    blocks.move(to: .cpu)
  }

  var module: Module? { blocks }
  var statistics: Set<TeacherStatistic> { Set(levels.map { .activation($0.teacher) }) }
  var request: ActivationRequest { ActivationRequest(taps: Set(levels.map(\.student))) }

  func callAsFunction(_ step: Step) -> Tensor {
    var carried: Tensor?
    var terms: [Tensor] = []
    for (level, block) in zip(levels, blocks.abfs) {
      let target = step.teacher[.activation(level.teacher)].asMap()
      let output: Tensor
      (output, carried) = block(step.student.tap(level.student).asMap(), carried: carried, size: target.shape[2])
      terms.append(hierarchicalContextLoss(output, target))
    }
    return total(terms)
  }
}

/// The blocks of all levels, from the deepest up.
final class ReviewBlocks: Module {
  let abfs: [ReviewBlock]

  init(_ abfs: [ReviewBlock]) { self.abfs = abfs }
}

/// Attention-based fusion (ABF): a level's map and the one carried from the level below.
///
/// Convolutions are initialised as by `kaiming_uniform_` with a = 1, the attention's as by PyTorch.
final class ReviewBlock: Module {
  let conv1: Convolution
  let bn1: BatchNorm
  let conv2: Convolution
  let bn2: BatchNorm
  /// Of both maps two, by which they are weighted; nil in the deepest block, to which nothing is carried.
  let attention: Convolution?

  override var entryNames: [String: String] { ["attention": "att_conv"] }

  init(_ inputs: Int, _ middle: Int, _ outputs: Int, attends: Bool, generator: Generator) {
    conv1 = Convolution(inputs, middle, kernel: 1, bias: false, generator: generator)
    bn1 = BatchNorm(middle)
    conv2 = Convolution(middle, outputs, kernel: 3, .init(padding: 1), bias: false, generator: generator)
    bn2 = BatchNorm(outputs)
    attention = attends ? Convolution(2 * middle, 2, kernel: 1, generator: generator) : nil
    for convolution in [conv1, conv2] {
      let fanIn = convolution.weight.shape.dropFirst().reduce(1, *)
      let bound = (3 / Double(fanIn)).squareRoot()
      generator.fillUniform(convolution.weight, -bound..<bound)
    }
  }

  /// - Parameters:
  ///   - input: the level's map.
  ///   - carried: what the level below carried on.
  ///   - size: the side of the output.
  /// - Returns: the output, with the teacher's channels, and what is carried on, with `middle` channels.
  func callAsFunction(_ input: Tensor, carried: Tensor?, size: Int) -> (output: Tensor, carried: Tensor) {
    var fused = bn1(conv1(input))
    if let attention, let carried = carried?.resized(to: fused.shape[2]) {
      let weights = attention(Tensor.concatenated([fused, carried], axis: 1)).sigmoid()
      fused = fused * weights.narrowed(1, 0..<1) + carried * weights.narrowed(1, 1..<2)
    }
    fused = fused.resized(to: size)
    return (bn2(conv2(fused)), fused)
  }
}

/// The mean squared difference of two square maps (b x C x h x h) at several sizes, see `KnowledgeReview`.
func hierarchicalContextLoss(_ output: Tensor, _ target: Tensor) -> Tensor {
  var value = output.meanSquaredDistance(to: target)
  var (weight, weights) = (1.0, 1.0)
  for size in [4, 2, 1] where size < output.shape[2] {
    weight /= 2
    weights += weight
    let (pooled, wanted) = (
      output.averagePooled(toHeight: size, width: size), target.averagePooled(toHeight: size, width: size)
    )
    value = value + pooled.meanSquaredDistance(to: wanted) * weight
  }
  return value / weights
}

extension Tensor {
  /// A vector for each input as a map of one pixel; a map as it is.
  fileprivate func asMap() -> Tensor { shape.count == 2 ? reshaped(shape + [1, 1]) : self }

  /// A square map in another size, each pixel that of the nearest.
  fileprivate func resized(to size: Int) -> Tensor {
    shape[2] == size ? self : interpolated(height: size, width: size, bilinear: false)
  }
}
