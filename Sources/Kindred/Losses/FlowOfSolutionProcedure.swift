// FSP: how a network gets from one map to the next.

import Torch

/// FSP: Yim, Joo, Bae & Kim, *A Gift from Knowledge Distillation: Fast Optimization, Network Minimization and Transfer
/// Learning*, CVPR 2017, equations 1 and 2.
///
/// For maps A (b x c x H x W) and B (b x c' x H x W) of neighbouring layers, the larger average-pooled to the smaller: the
/// flow of an image is A B^T / (H W), c x c'. The loss is the sum over neighbours of the mean squared difference of the
/// student's and the teacher's flows, so that their channels must be the same. Agrees with `distiller_zoo/FSP.py` of
/// HobbitLong/RepDistiller.
///
/// It is an initialisation: after the first `epochs` it has no weight and cross-entropy is all there is, as in the
/// benchmark. There these epochs come beside the others, without cross-entropy and with the student in evaluation mode;
/// here they are the run's first, and cross-entropy's weight in them is what the user sets.
public struct FlowOfSolutionProcedure: Method {
  public static let card = MethodCard(
    name: "fsp", paper: "Yim et al., CVPR 2017",
    formula: """
      F = A B^T / (h w) of neighbouring maps, c x c'
      mean((F_s - F_t)^2), the sum over neighbours
      """,
    agreesWith: "distiller_zoo/FSP.py of HobbitLong/RepDistiller",
    compares: "consecutive activations, square maps of the same channels",
    records: "a c x c' matrix an input and neighbouring pair", weight: 50)
  public static let settings = [
    Setting.layers(
      \FlowOfSolutionProcedure.layers, "two or more in the networks' order: taps that give maps of the same channels"),
    .initialEpochs(\FlowOfSolutionProcedure.epochs),
  ]

  public static let usualLayers: UsualLayers? = .stemAndAllStages

  public var layers: [LayerPair] = []
  /// The first so many epochs are its own; 0 for all.
  public var epochs = 30

  /// Compares the first convolution and all stages of the networks that `loss(for:)` is given.
  public init() {}

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let layers = try setup.resolved(self).layers
    guard layers.count >= 2 else {
      throw MethodError("a flow leads from one layer to the next; give two or more", key: "layers")
    }
    let maps = try layers.map { pair in
      let (maps, shapes) = (try setup.maps(pair, name), try setup.shapes(pair))
      guard maps.student.channels == maps.teacher.channels else {
        throw MethodError(
          "compares maps of the same channels, but the student's \(pair.student) has shape \(shapes.student) and the "
            + "teacher's \(pair.teacher) \(shapes.teacher); use networks of the same widths, or at", key: "layers")
      }
      return maps
    }
    let (student, teacher) = (maps.map(\.student), maps.map(\.teacher))
    return FlowOfSolutionProcedureLoss(
      student: Flow.between(layers.map(\.student), student), teacher: Flow.between(layers.map(\.teacher), teacher),
      epochs: epochs)
  }
}

/// The difference of flows between known layers.
struct FlowOfSolutionProcedureLoss: DistillationLoss {
  let student: [Flow]
  let teacher: [Flow]
  let epochs: Int

  var statistics: Set<TeacherStatistic> { Set(teacher.map(\.statistic)) }
  var request: ActivationRequest { ActivationRequest(taps: Set(student.flatMap { [$0.first, $0.second] })) }

  func factor(epoch: Int) -> Double? { initialFactor(epochs: epochs, epoch: epoch) }

  func callAsFunction(_ step: Step) -> Tensor {
    total(zip(student, teacher).map { $0(step.student).meanSquaredError(step.teacher[$1.statistic]) })
  }
}

/// From one map of a network to another.
struct Flow: Sendable {
  let first: String
  let second: String
  /// The channels of both.
  let channels: [Int]
  /// The side length at which they are compared.
  let size: Int

  /// From each layer to the next.
  static func between(_ names: [String], _ maps: [MapShape]) -> [Flow] {
    names.indices.dropLast().map { index in
      let pair = maps[index...index + 1]
      return Flow(
        first: names[index], second: names[index + 1], channels: pair.map(\.channels),
        size: pair.map(\.size).min() ?? 1)
    }
  }

  /// b x c x c'.
  func callAsFunction(_ activations: Activations) -> Tensor {
    let (first, second) = (rows(activations.tap(first)), rows(activations.tap(second)))
    return first.matmul(second.transposed()) / Double(size * size)
  }

  /// b x c x (H W) at the size of the comparison.
  private func rows(_ map: Tensor) -> Tensor {
    (map.shape[2] == size ? map : map.averagePooled(toHeight: size, width: size)).flattened(from: 2)
  }

  var statistic: TeacherStatistic {
    TeacherStatistic("flow.\(first).\(second)", ActivationRequest(taps: [first, second])) { batch, _ in
      [batch] + channels
    } compute: {
      self($0)
    }
  }
}
