// FitNets' hint, by a learned adapter.

import Torch

/// Hint: Romero et al., *FitNets: Hints for Thin Deep Nets*, ICLR 2015, equation 3, trained together with the student.
///
/// The mean squared difference between the teacher's activation and the student's, which a learned adapter brings to
/// the teacher's shape. The adapter is that of HobbitLong/RepDistiller (`ConvReg`): a convolution, batch norm and ReLU.
public struct Hint: DistillationLoss {
  public let name = "hint"
  public let pair: LayerPair
  private let regressor: HintAdapter

  public init(_ pair: LayerPair = LayerPair("stage2"), adapter: HintAdapter) {
    self.pair = pair
    regressor = adapter
  }

  public var adapter: Module? { regressor }
  public var teacherNeeds: Set<TeacherNeed> { [.activation(pair.teacher)] }
  public var studentRequest: ActivationRequest { ActivationRequest(taps: [pair.student]) }

  public func callAsFunction(_ student: Activations, _ teacher: TeacherOutput) -> Tensor {
    regressor(student.tap(pair.student)).meanSquaredError(teacher[.activation(pair.teacher)])
  }
}

/// Brings a student's activation to the shape of the teacher's: convolution -> batch norm -> ReLU.
///
/// The kernel is 1 x 1 between maps of one size, 3 x 3 with stride 2 from a map of twice the size, and otherwise as
/// large as the sizes differ. A student's map that is smaller than the teacher's is not supported.
public final class HintAdapter: Module {
  public let conv: Convolution
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

  public func callAsFunction(_ activation: Tensor) -> Tensor { conv(activation, bn, relu: true) }
}
