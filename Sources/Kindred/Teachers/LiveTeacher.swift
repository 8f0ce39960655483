// The teacher as a network that is run on every batch, made as fast as it can be without changing what it gives by much.

import Graph
import Torch

/// A frozen network that is run on every batch: in evaluation mode, folded, and only as far as it is needed.
public final class LiveTeacher: TeacherSignal {
  /// What int8 costs, for a teacher that works in it.
  public let quantizationCost: QuantizationCost?
  private let network: FrozenNetwork
  private let needs: TeacherNeeds

  /// Freezes and folds `network`, which is the signal's own from now on.
  public convenience init(_ network: Network, statistics: Set<TeacherStatistic>, precision: Precision = .float32) {
    self.init(network, needs: TeacherNeeds(statistics), precision: precision)
  }

  /// Freezes and folds `network`, which is the signal's own from now on, for what several processes need of it.
  public init(_ network: Network, needs: TeacherNeeds, precision: Precision = .float32) {
    self.network = FrozenNetwork(network, precision)
    self.needs = needs
    quantizationCost = nil
  }

  /// The same in int8 as a process alone needs it, see `init(quantizing:needs:calibration:heldOut:comparingLabels:)`.
  /// - Throws: `QuantizationError`; `BrokenTeacher` where a weight is not finite.
  public convenience init(
    quantizing network: Network, statistics: Set<TeacherStatistic>, calibration: [Batch], heldOut: [Batch],
    comparingLabels: Bool
  ) throws {
    try self.init(
      quantizing: network, needs: TeacherNeeds(statistics), calibration: calibration, heldOut: heldOut,
      comparingLabels: comparingLabels)
  }

  /// Freezes and folds `network`, turns its convolutions into int8 ones and measures what that costs.
  /// - Parameters:
  ///   - network: is the signal's own from now on.
  ///   - needs: what the losses need of it.
  ///   - calibration: training batches, from which the ranges of activations are taken.
  ///   - heldOut: the batches to measure on, each of two inputs or more.
  ///   - comparingLabels: whether the batches' labels are the teacher's own classes, so that accuracy can be measured.
  /// - Throws: `QuantizationError`; `BrokenTeacher` where a weight is not finite; what it costs is for the caller to judge, see `QuantizationCost.check`.
  public init(
    quantizing network: Network, needs: TeacherNeeds, calibration: [Batch], heldOut: [Batch],
    comparingLabels: Bool
  ) throws {
    let frozen = FrozenNetwork(network, .float32)
    try frozen.requireWeights()
    var request = needs.statistics.request
    request.logits = request.logits || comparingLabels
    let samples = {
      heldOut.map { batch in
        NetworkSample(frozen.activations(of: batch.teacher, request), labels: comparingLabels ? batch.labels : nil)
      }
    }
    let float32 = samples()
    let convolutions = try frozen.quantize(on: calibration.map(\.teacher), request)
    quantizationCost = QuantizationCost(
      of: samples(), beside: float32, inputs: heldOut.reduce(0) { $0 + $1.count }, convolutions)
    self.network = frozen
    self.needs = needs
  }

  public var isCapturable: Bool { true }

  /// - Throws: `BrokenTeacher` where a weight is not finite: fused layers turn what comes of it into zeros.
  public func activations(of input: Tensor) throws -> Activations? {
    try network.requireWeights()
    return network.activations(of: input, needs.statistics.request)
  }

  public func output(for batch: Batch) throws -> TeacherOutput {
    try TeacherOutput(network.activations(of: batch.teacher, needs.statistics.request), needs, of: batch)
  }
}
