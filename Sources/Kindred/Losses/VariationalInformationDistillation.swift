// Variational information distillation.

import Foundation
import Torch

/// VID: Ahn et al., *Variational Information Distillation for Knowledge Transfer*, CVPR 2019, equation 5.
///
/// The teacher's map T (b x c x h x w) is taken to be normal around mu(S), where mu is a trained regressor of the
/// student's map S: three 1 x 1 convolutions without biases and a ReLU between them. A channel has one trained variance
/// v_c = ln(1 + e^rho_c) + 1e-5, at first 5. The loss is the mean of ((mu(S) - T)^2 / v_c + ln v_c) / 2 over all elements,
/// summed over layer pairs; it is negative where v_c < 1. The larger of two maps of different size is average-pooled to
/// the smaller first.
///
/// Agrees with `distiller_zoo/VID.py` of HobbitLong/RepDistiller. In megvii-research/mdistiller the variances are not
/// registered as parameters and stay at their initial values.
public struct VariationalInformationDistillation: Method {
  public static let card = MethodCard(
    name: "vid", paper: "Ahn et al., CVPR 2019",
    formula: """
      mu: a regressor of the student's map, v: a variance a channel
      mean of ((mu - A_t)^2 / v + ln v) / 2, the sum over layer pairs
      """,
    agreesWith: "distiller_zoo/VID.py of HobbitLong/RepDistiller", compares: "activations, square maps",
    trains: "a regressor of three 1 x 1 convolutions and a variance a channel, for each layer pair",
    records: "the teacher's maps (large)", weight: 1)
  public static let settings = [
    Setting.layers(
      \VariationalInformationDistillation.layers, "what is compared: taps that give square maps")
  ]

  public static let usualLayers: UsualLayers? = .allStages

  public var layers: [LayerPair] = []

  /// Compares all stages of the networks that `loss(for:)` is given.
  public init() {}

  /// Compares these layers, in their order.
  public init(_ layers: [LayerPair]) { self.layers = layers }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let layers = try setup.resolved(self).layers
    let maps = try layers.map { try setup.maps($0, name) }
    let regressors = maps.map { maps in
      VariationalRegressor(maps.student.channels, maps.teacher.channels, generator: setup.generator)
    }
    return VariationalInformationLoss(
      pairs: zip(layers, maps).map { pair, maps in
        .init(layers: pair, studentSize: maps.student.size, teacherSize: maps.teacher.size)
      }, VariationalRegressors(regressors))
  }
}

private struct VariationalInformationLoss: DistillationLoss {
  struct Pair {
    let layers: LayerPair
    let studentSize: Int
    let teacherSize: Int

    var statistic: TeacherStatistic {
      teacherSize > studentSize ? .activation(layers.teacher, pooledTo: studentSize) : .activation(layers.teacher)
    }

    func studentMap(_ activations: Activations) -> Tensor {
      let map = activations.tap(layers.student)
      return studentSize > teacherSize ? map.averagePooled(toHeight: teacherSize, width: teacherSize) : map
    }
  }

  let pairs: [Pair]
  private let regressors: VariationalRegressors

  init(pairs: [Pair], _ regressors: VariationalRegressors) { (self.pairs, self.regressors) = (pairs, regressors) }

  var module: Module? { regressors }
  var statistics: Set<TeacherStatistic> { Set(pairs.map(\.statistic)) }
  var request: ActivationRequest { ActivationRequest(taps: Set(pairs.map(\.layers.student))) }

  func callAsFunction(_ step: Step) -> Tensor {
    total(
      zip(pairs, regressors.pairs).map { pair, regressor in
        let variance = regressor.variance
        let error = (regressor(pair.studentMap(step.student)) - step.teacher[pair.statistic]).squared()
        return ((error / variance).mean() + variance.log().mean()) / 2
      })
  }
}

/// What VID trains for all layer pairs.
private final class VariationalRegressors: Module {
  let pairs: [VariationalRegressor]

  init(_ pairs: [VariationalRegressor]) {
    self.pairs = pairs
    super.init()
    move(to: .cpu)
  }
}

/// The mean of the teacher's map, regressed from the student's, and a variance a channel.
private final class VariationalRegressor: Module {
  let regressor: [Convolution]
  /// rho, c.
  let logScale: Tensor

  private static let initialVariance = 5.0
  private static let leastVariance = 1e-5

  init(_ inputs: Int, _ outputs: Int, generator: Generator) {
    regressor = [inputs, outputs, outputs].map {
      Convolution($0, outputs, kernel: 1, bias: false, generator: generator)
    }
    let softplus = VariationalRegressor.initialVariance - VariationalRegressor.leastVariance
    logScale = .full([outputs], log(expm1(softplus)))
    logScale.requiresGradient = true
  }

  override var entryNames: [String: String] { ["logScale": "log_scale"] }

  /// 1 x c x 1 x 1.
  var variance: Tensor { (logScale.softplus() + VariationalRegressor.leastVariance).reshaped([1, -1, 1, 1]) }

  func callAsFunction(_ map: Tensor) -> Tensor {
    regressor.dropFirst().reduce(regressor[0](map)) { map, convolution in convolution(map.relu()) }
  }
}
