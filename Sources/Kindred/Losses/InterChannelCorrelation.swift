// Inter-channel correlation knowledge distillation.

import Torch

/// ICKD: Liu et al., *Exploring Inter-Channel Correlation for Diversity-Preserved Knowledge Distillation*, ICCV 2021,
/// the form for classification (ICKD-C).
///
/// A trained 1 x 1 convolution with batch norm brings the student's map to the teacher's channels. The Gram matrix of a
/// map's channels, flattened to c x (h w), has its rows divided by their L2 norms: c x c for each input. The loss is the
/// squared difference of these matrices, summed and divided by b c. The maps' sizes may differ.
///
/// Agrees with `distiller_zoo/ICKD.py` of ADLab-AutoDrive/ICKD, whose second embedding, of the teacher, is not used there
/// either. yoshitomo-matsubara/torchdistill divides by b once more.
public struct InterChannelCorrelation: Method {
  public static let card = MethodCard(
    name: "ickd", paper: "Liu et al., ICCV 2021",
    formula: """
      G: Gram matrix of a map's channels, c x c, each row divided by its L2 norm
      |G_s - G_t|^2 / (b c)
      """,
    agreesWith: "distiller_zoo/ICKD.py of ADLab-AutoDrive/ICKD", compares: "one activation, square maps",
    trains: "a 1 x 1 convolution and batch norm", records: "a c x c matrix an input, for the teacher's c channels",
    weight: 2.5, loneInput: "batch norm takes its statistics from the batch")
  public static let settings = [
    Setting.layers(\InterChannelCorrelation.layers, "the one pair that is compared: taps that give square maps")
  ]

  public static let usualLayers: UsualLayers? = .lastStage

  public var layers: [LayerPair] = []

  /// Compares the last stages of the networks that `loss(for:)` is given.
  public init() {}

  /// Compares this pair of layers.
  public init(_ pair: LayerPair) { layers = [pair] }

  public func loss(for setup: LossSetup) throws -> any DistillationLoss {
    let layers = try setup.resolved(self).layers
    guard layers.count == 1 else {
      throw MethodError("ickd has one layer pair, the last maps in its paper; keep one", key: "layers")
    }
    let (student, teacher) = try setup.maps(layers[0], name)
    return InterChannelCorrelationLoss(
      pair: layers[0],
      connector: Connector(student.channels, teacher.channels, generator: setup.generator))
  }
}

private struct InterChannelCorrelationLoss: DistillationLoss {
  let pair: LayerPair
  let connector: Connector

  var module: Module? { connector }
  var statistics: Set<TeacherStatistic> { [.channelSimilarity(pair.teacher)] }
  var request: ActivationRequest { ActivationRequest(taps: [pair.student]) }

  func callAsFunction(_ step: Step) -> Tensor {
    let student = similarities(ofChannels: connector(step.student.tap(pair.student)))
    let difference = student - step.teacher[.channelSimilarity(pair.teacher)]
    return difference.squared().sum() / Double(student.shape[0] * student.shape[1])
  }
}

extension TeacherStatistic {
  /// The row-normalised Gram matrices of a map's channels, b x C x C.
  static func channelSimilarity(_ tap: String) -> TeacherStatistic {
    TeacherStatistic("channel-similarity.\(tap)", ActivationRequest(taps: [tap])) { batch, teacher in
      let channels = teacher.shape(of: tap)?.first ?? 0
      return [batch, channels, channels]
    } compute: {
      similarities(ofChannels: $0.tap(tap))
    }
  }
}

/// The Gram matrix of each map's channels, its rows divided by their norms: b x C x C for b x C x H x W.
private func similarities(ofChannels map: Tensor) -> Tensor {
  // h w positions of C channels: channels-last maps are that without a copy.
  let positions = map.permuted([0, 2, 3, 1]).reshaped([map.shape[0], -1, map.shape[1]])
  return positions.transposed().matmul(positions).normalized([2])
}
