// Activation boundaries: which side of zero a hidden neuron is on.

import Torch

/// AB: Heo, Lee, Yun & Choi, *Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons*,
/// AAAI 2019, the alternative loss of its section on the method.
///
/// For pre-activations s of the student, brought to the teacher's shape by a connector where the shapes differ, and t of
/// the teacher (b x C x H x W): the sum of max(0, m - s)^2 where t > 0 and of max(0, s + m)^2 elsewhere, with the margin
/// m. Pair i of n has the factor 2^-(n-i-1); the sum is divided by b and multiplied by 3/1000. Agrees with
/// `distiller_zoo/AB.py` of HobbitLong/RepDistiller, but that connectors there also lead to larger maps.
///
/// It is an initialisation: after the first `epochs` it has no weight and cross-entropy is all there is, as in the
/// benchmark. There these epochs come beside the others, without cross-entropy and with the student in evaluation mode;
/// here they are the run's first, and cross-entropy's weight in them is what the user sets.
public struct ActivationBoundaries: Method {
  public static let card = MethodCard(
    name: "ab", paper: "Heo et al., AAAI 2019",
    formula: """
      (3/1000b) sum of max(0, m - s)^2 where t > 0, max(0, s + m)^2 elsewhere, m the margin
      pair i of n times 2^-(n-i-1)
      """,
    agreesWith: "distiller_zoo/AB.py of HobbitLong/RepDistiller", compares: "pre-activations, maps",
    trains: "a convolution and batch norm for each pair of different shapes",
    records: "a sign for each number of the teacher's maps (large)", weight: 1)
  public static let settings = [
    Setting.layers(\ActivationBoundaries.layers, "what is compared, from input to output: maps before their ReLUs"),
    Setting.number("margin", \ActivationBoundaries.margin, .positive, "how far from zero the student's shall be"),
    .initialEpochs(\ActivationBoundaries.epochs),
  ]

  public static let usualLayers: UsualLayers? = .preActivations

  public var layers: [LayerPair] = []
  /// How far from zero, on the teacher's side of it, the student's pre-activations shall be.
  public var margin = 1.0
  /// The first so many epochs are its own; 0 for all.
  public var epochs = 30

  /// Compares the pre-activations of all stages of the networks that `loss(for:)` is given.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let method = try setup.resolved(self)
    let connectors = try method.layers.map { pair -> Module in
      let (student, teacher) = try setup.maps(pair, name)
      guard student.size == teacher.size || student.size == 2 * teacher.size else {
        throw MethodError(
          "no connector leads from the student's \(pair.student) (\(student.size) high) to the teacher's "
            + "\(pair.teacher) (\(teacher.size) high); pair maps of one size, or of twice the teacher's", key: "layers")
      }
      guard (student.channels, student.size) != (teacher.channels, teacher.size) else { return Module() }
      return Connector(
        student.channels, teacher.channels, halving: student.size != teacher.size, generator: setup.generator)
    }
    return ActivationBoundariesLoss(method, ConnectorList(connectors))
  }
}

/// Activation boundaries with connectors.
struct ActivationBoundariesLoss: DistillationLoss {
  private let method: ActivationBoundaries
  private let connectors: ConnectorList

  init(_ method: ActivationBoundaries, _ connectors: ConnectorList) {
    (self.method, self.connectors) = (method, connectors)
  }

  var module: Module? { connectors.state.isEmpty ? nil : connectors }
  var statistics: Set<TeacherStatistic> { Set(method.layers.map { .boundary($0.teacher) }) }
  var request: ActivationRequest { ActivationRequest(taps: Set(method.layers.map(\.student))) }

  func factor(epoch: Int) -> Double? { initialFactor(epochs: method.epochs, epoch: epoch) }

  func callAsFunction(_ step: Step) -> Tensor {
    let terms = method.layers.enumerated().map { index, pair in
      let student = connectors(step.student.tap(pair.student), index)
      let excess = (student * step.teacher[.boundary(pair.teacher)] + method.margin).relu()
      return excess.squared().sum() * depthFactor(index, of: method.layers.count)
    }
    return total(terms) * (3 / 1000 / Double(step.batch.count))
  }
}

/// A connector for each layer pair, a module of nothing where the shapes are the same.
final class ConnectorList: Module {
  let connectors: [Module]

  init(_ connectors: [Module]) { self.connectors = connectors }

  /// A map as the connector of a pair gives it.
  func callAsFunction(_ map: Tensor, _ index: Int) -> Tensor { (connectors[index] as? Connector)?(map) ?? map }
}

extension TeacherStatistic {
  /// -1 where a pre-activation is above zero, 1 elsewhere.
  static func boundary(_ tap: String) -> TeacherStatistic {
    TeacherStatistic("boundary.\(tap)", ActivationRequest(taps: [tap])) { batch, teacher in
      [batch] + (teacher.shape(of: tap) ?? [])
    } compute: {
      let activation = $0.tap(tap)
      let one = Tensor.full([1], 1, dtype: activation.dtype, device: activation.device)
      return Tensor.where(activation.greater(than: 0), -one, one)
    }
  }
}

extension DistillationLoss {
  /// A factor that is 1 in the first epochs and 0 from then on; nil for a loss of all epochs, of which there are 0.
  func initialFactor(epochs: Int, epoch: Int) -> Double? { epochs == 0 ? nil : epoch < epochs ? 1 : 0 }
}

extension Setting {
  /// How many epochs an initialisation takes.
  static func initialEpochs(_ path: Path<Int>) -> Setting {
    .wholeNumber("epochs", path, in: 0...1_000_000, "it has weight in the first so many epochs only; 0 for all of them")
  }
}
