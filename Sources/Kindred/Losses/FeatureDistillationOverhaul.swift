// OFD: pre-activations, of which only those are compared that matter behind the ReLU.

import Foundation
import Torch

/// OFD: Heo, Kim, Yun, Park, Kwak & Choi, *A Comprehensive Overhaul of Feature Distillation*, ICCV 2019, section 3.
///
/// For pre-activations t of the teacher (b x C x H x W) and those of the student, brought to C channels by a 1 x 1
/// convolution and batch norm, s: the target is max(t, m), with a margin m below zero for each channel, and the loss the
/// sum of (s - target)^2 where s > target or target > 0. Pair i of n has the factor 2^-(n-i-1); the sum is divided by b and
/// by 1000, as in `distillers/OFD.py` of megvii-research/mdistiller.
///
/// A channel's margin is the mean of what is negative of a normal distribution with the mean and the deviation that the
/// teacher's batch norm before the ReLU gives, its bias and |weight|: `margins(of:)`. In the ResNets that norm ends a
/// block's branch, to which the block's input is still added. The teacher is in evaluation mode; the authors leave its
/// batch norms in training mode, so that their statistics drift.
public struct FeatureDistillationOverhaul: Method {
  public static let card = MethodCard(
    name: "ofd", paper: "Heo et al., ICCV 2019",
    formula: """
      target = max(t, m), m < 0 a margin a channel
      (1/1000b) sum of (s - target)^2 where s > target or target > 0, pair i of n times 2^-(n-i-1)
      """,
    agreesWith: "distillers/OFD.py of megvii-research/mdistiller", compares: "pre-activations, maps of the same sizes",
    trains: "a 1 x 1 convolution and batch norm for each pair",
    records: "nothing: its margins come from the live teacher's batch norms", weight: 1)
  public static let settings = [
    Setting.layers(
      \FeatureDistillationOverhaul.layers, "what is compared, from input to output: maps before their ReLUs")
  ]
  public static let needsNormalizations = true

  public static let usualLayers: UsualLayers? = .preActivations

  public var layers: [LayerPair] = []

  /// Compares the pre-activations of all stages of the networks that `loss(for:)` is given.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let layers = try setup.resolved(self).layers
    var connectors: [Connector] = []
    var margins: [Tensor] = []
    for pair in layers {
      let (student, teacher) = try setup.maps(pair, name)
      guard student.size == teacher.size else {
        throw MethodError(
          "compares maps of the same size, but the student's \(pair.student) is \(student.size) high and the teacher's "
            + "\(pair.teacher) \(teacher.size) high; pair others", key: "layers")
      }
      let connector = Connector(student.channels, teacher.channels, generator: setup.generator)
      connector.drawByFanOut(setup.generator)
      connectors.append(connector)
      margins.append(try setup.margins(at: pair.teacher) ?? .zeros([teacher.channels]))
    }
    return FeatureDistillationOverhaulLoss(
      layers: layers, connectors: MarginConnectors(connectors, margins: margins))
  }

  /// The margin of each channel of a batch norm's output.
  ///
  /// For bias b and deviation s = |weight|, with the normal distribution's density f and cumulative F: the mean of what is
  /// negative, b - s f(b / s) / F(-b / s); -3 s where F(-b / s) is not above 0.001. A channel without deviation is b
  /// throughout: min(b, 0).
  public static func margins(of norm: TapNormalization) -> Tensor {
    let (weights, biases) = (norm.weight.elements(as: Double.self), norm.bias.elements(as: Double.self))
    let margins = zip(weights, biases).map { margin(mean: $1, deviation: abs($0)) }
    return Tensor(margins.map(Float.init), shape: [margins.count])
  }

  private static func margin(mean: Double, deviation: Double) -> Double {
    guard deviation > 0 else { return min(mean, 0) }
    let ratio = mean / deviation
    let share = erfc(ratio / 2.0.squareRoot()) / 2
    guard share > 0.001 else { return -3 * deviation }
    return mean - deviation * exp(-ratio * ratio / 2) / ((2 * Double.pi).squareRoot() * share)
  }
}

extension LossSetup {
  /// The margins of a teacher's pre-activation; nil where only shapes are looked at, and where they are loaded afterwards.
  fileprivate func margins(at tap: String) throws -> Tensor? {
    guard let normalizations else {
      if samples == nil || restoresState { return nil }
      throw MethodError(
        "needs the teacher's batch norms, which neither a recording nor an exported file nor activations show; use a "
          + "live teacher of Kindred's own networks, or with 'kindred loss' a --module with margins.0 and so on")
    }
    guard let norm = normalizations[tap] else {
      let taps = normalizations.keys.sorted().joined(separator: ", ")
      throw MethodError("no ReLU sees the teacher's \(tap) after a batch norm; use \(taps)", key: "layers")
    }
    return FeatureDistillationOverhaul.margins(of: norm)
  }
}

/// The partial squared distance of pre-activations with connectors.
struct FeatureDistillationOverhaulLoss: DistillationLoss {
  let layers: [LayerPair]
  let connectors: MarginConnectors

  var module: Module? { connectors }
  var statistics: Set<TeacherStatistic> { Set(layers.map { .activation($0.teacher) }) }
  var request: ActivationRequest { ActivationRequest(taps: Set(layers.map(\.student))) }

  func callAsFunction(_ step: Step) -> Tensor {
    let terms = layers.enumerated().map { index, pair in
      let student = connectors.connectors[index](step.student.tap(pair.student))
      let target = connectors.target(step.teacher[.activation(pair.teacher)], index)
      // Where the distance does not count, the student is its own target. A sum of bools is true where one of them is.
      let own = student.detached()
      let isCounted = target.greater(than: 0) + (own - target).greater(than: 0)
      let distance = (student - Tensor.where(isCounted, target, own)).squared().sum()
      return distance * depthFactor(index, of: layers.count)
    }
    return total(terms) / (1000 * Double(step.batch.count))
  }
}

/// A connector and the margins of each layer pair.
final class MarginConnectors: Module {
  let connectors: [Connector]
  /// C for each pair.
  let margins: [Tensor]

  init(_ connectors: [Connector], margins: [Tensor]) { (self.connectors, self.margins) = (connectors, margins) }

  /// max(t, m) for the teacher's pre-activation t of a pair.
  func target(_ activation: Tensor, _ index: Int) -> Tensor {
    let margin = margins[index].reshaped([1, -1, 1, 1])
    let excess = activation - margin
    excess.reluInPlace()
    return excess + margin
  }
}
