// FitNets' hint, by a learned adapter.

import Torch

/// Hint: Romero et al., *FitNets: Hints for Thin Deep Nets*, ICLR 2015, equation 3, trained together with the student.
///
/// The mean squared difference between the teacher's activation and the student's, which a learned adapter brings to
/// the teacher's shape. The adapter is that of HobbitLong/RepDistiller (`ConvReg`): a convolution, batch norm and ReLU.
public struct Hint: Method {
  public static let card = MethodCard(
    name: "hint", paper: "Romero et al. (FitNets), ICLR 2015",
    formula: "mean((A_t - r(A_s))^2), r the adapter",
    agreesWith: "ConvReg of HobbitLong/RepDistiller, the adapter", compares: "one activation, square maps",
    trains: "an adapter: convolution, batch norm, ReLU", records: "the teacher's map (large)", weight: nil,
    publishedWeight: "100")
  public static let settings = [
    Setting.layers(\Hint.layers, "the one pair that is compared: taps that give square maps")
  ]

  public var layers: [LayerPair]

  /// Compares the second stages.
  public init() { self.init(LayerPair("stage2")) }

  /// Compares this pair of layers.
  public init(_ pair: LayerPair) { layers = [pair] }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    guard layers.count == 1 else {
      throw MethodError("a hint has one layer pair, as in FitNets; keep one", key: "layers")
    }
    let pair = layers[0]
    let (student, teacher) = try setup.maps(pair, name)
    // The adapter is a convolution: it can shrink the student's map, not enlarge it.
    guard student.size >= teacher.size else {
      throw MethodError(
        "no adapter leads from the student's \(pair.student) (\(student.size) high) to the teacher's \(pair.teacher) "
          + "(\(teacher.size) high); pair the same stages", key: "layers")
    }
    let adapter = HintAdapter(
      student: (student.channels, student.size), teacher: (teacher.channels, teacher.size), generator: setup.generator)
    adapter.move(to: .cpu)
    return HintLoss(pair, adapter: adapter)
  }
}

/// The mean squared difference of an adapted activation from the teacher's.
public struct HintLoss: DistillationLoss {
  /// What is compared.
  public let pair: LayerPair
  private let adapter: HintAdapter

  /// Compares a pair of layers through an adapter of their channels and sizes.
  public init(_ pair: LayerPair = LayerPair("stage2"), adapter: HintAdapter) {
    self.pair = pair
    self.adapter = adapter
  }

  public var module: Module? { adapter }
  public var statistics: Set<TeacherStatistic> { [.activation(pair.teacher)] }
  public var request: ActivationRequest { ActivationRequest(taps: [pair.student]) }

  public func callAsFunction(_ step: Step) -> Tensor {
    adapter(step.student.tap(pair.student)).meanSquaredDistance(to: step.teacher[.activation(pair.teacher)])
  }
}

/// Brings a student's activation to the shape of the teacher's: convolution -> batch norm -> ReLU.
///
/// The kernel is 1 x 1 between maps of one size, 3 x 3 with stride 2 from a map of twice the size, and otherwise as
/// large as the sizes differ. A student's map that is smaller than the teacher's is not supported.
public final class HintAdapter: Module {
  /// From the student's channels to the teacher's.
  public let conv: Convolution
  /// After it, before the ReLU.
  public let bn: BatchNorm

  /// - Parameters:
  ///   - student: channels and side length of the student's map.
  ///   - teacher: channels and side length of the teacher's map.
  ///   - generator: draws the convolution's weights.
  public init(student: (channels: Int, size: Int), teacher: (channels: Int, size: Int), generator: Generator) {
    precondition(student.size >= teacher.size, "the student's map is smaller than the teacher's")
    let isHalving = student.size == 2 * teacher.size
    conv = Convolution(
      student.channels, teacher.channels, kernel: isHalving ? 3 : 1 + student.size - teacher.size,
      isHalving ? ConvolutionOptions(stride: 2, padding: 1) : ConvolutionOptions(), generator: generator)
    bn = BatchNorm(teacher.channels)
  }

  /// The student's map in the teacher's shape.
  public func callAsFunction(_ activation: Tensor) -> Tensor {
    let output = bn(conv(activation))
    // In place: going backwards does not need the norm's output again.
    output.reluInPlace()
    return output
  }
}
