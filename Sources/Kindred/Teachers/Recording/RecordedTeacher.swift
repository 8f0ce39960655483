// A teacher that is not there: what it said is read back.

import Foundation
import Torch

/// A recording's signals, batch by batch. No network is run.
///
/// With float32 they are the live teacher's to the bit. A block whose checksum is not right is refused.
public final class RecordedTeacher: TeacherSignal {
  private let recording: Recording
  private let needs: TeacherNeeds
  private let planEpochs: Int
  private let device: Device
  private var open: RecordingShard?

  /// What a process alone needs of a recording.
  /// - Throws: `RecordingError` where batches are missing or one of the statistics was not recorded.
  public convenience init(
    _ recording: Recording, statistics: Set<TeacherStatistic>, planEpochs: Int? = nil, device: Device = .cpu
  ) throws {
    try self.init(recording, needs: TeacherNeeds(statistics), planEpochs: planEpochs, device: device)
  }

  /// Plan and signal begin again after `planEpochs` epochs, never for nil. `device` is where the losses are computed.
  /// - Throws: `RecordingError` where batches are missing or one of the statistics was not recorded, or where a rank would need
  ///   what relates its own inputs alone.
  public init(_ recording: Recording, needs: TeacherNeeds, planEpochs: Int? = nil, device: Device = .cpu) throws {
    try recording.require(needs.statistics)
    let teacher = recording.header.teacher
    if needs.group.isShared, let relation = needs.own.first(where: { $0.relatesInputs(of: teacher) }) {
      throw RecordingError(
        recording.folder,
        "holds '\(relation.name)' of whole batches; with scope: local the teacher itself is needed, or one process")
    }
    self.recording = recording
    self.needs = needs
    self.planEpochs = planEpochs ?? Int.max
    self.device = device
  }

  public func output(for batch: Batch) throws -> TeacherOutput {
    let epoch = batch.position.epoch % planEpochs
    let batches = recording.header.batches
    guard epoch < batches.epochs, batch.position.batch < batches.perEpoch else {
      throw RecordingError(
        recording.folder,
        "recorded for \(batches.epochs) epochs of \(batches.perEpoch) batches, there is no batch "
          + "\(batch.position.batch + 1) of epoch \(epoch + 1)")
    }
    let index = epoch * batches.perEpoch + batch.position.batch
    let whole = try values(of: needs.whole, index, batch)
    let own = try values(of: needs.own, index, batch)
    guard let part = batch.part else { return TeacherOutput(own) }
    let rows = part.rank.rows(of: part.count)
    return TeacherOutput(own.mapValues { $0.narrowed(0, rows) }, whole: whole)
  }

  /// Of all ranks' inputs.
  private func values(
    of statistics: Set<TeacherStatistic>, _ index: Int, _ batch: Batch
  ) throws -> [TeacherStatistic: Tensor] {
    let values = try statistics.map { ($0, try block($0, of: index, size: batch.wholeCount)) }
    return Dictionary(uniqueKeysWithValues: values)
  }

  private func block(_ statistic: TeacherStatistic, of batch: Int, size: Int) throws -> Tensor {
    let header = recording.header
    do {
      let tensor = try shard(with: batch).block(
        statistic.name, of: batch, header.storage.dtype, statistic.shape(size, header.teacher))
      return tensor.to(.float32, device: device).inNetworkLayout()
    } catch let damage as RecordingShard.Damage {
      throw RecordingError(recording.folder, "batch \(batch) is damaged: \(damage.problem); record again")
    }
  }

  private func shard(with batch: Int) throws -> RecordingShard {
    if let open, open.batches.contains(batch) { return open }
    guard let batches = recording.shards.shard(with: batch) else {
      throw RecordingError(recording.folder, "batch \(batch) is missing")
    }
    do {
      let shard = try RecordingShard(batches, in: recording.folder)
      open = shard
      return shard
    } catch let error as TensorFileError {
      throw RecordingError(recording.folder, "the shard of batches \(batches) \(error.problem); record again")
    }
  }
}

extension Tensor {
  /// Images as a network gives them, channels-last: the order in memory decides in which order a loss is summed up.
  fileprivate func inNetworkLayout() -> Tensor { shape.count == 4 ? contiguous(.channelsLast) : self }
}
