// What a run's teacher signal depends on, as a recording names it.

import Foundation
import Kindred
import KindredVision

extension Configuration {
  /// The seed of all that is drawn for the batches.
  var planSeed: UInt64 { training.planSeed ?? training.seed }

  /// What the batches depend on, as far as it is known before the images are loaded.
  var planFacts: [RecordingHeader.Fact] {
    let facts: [RecordingHeader.Fact] = [
      .init("data set", data.name), .init("training images", "\(trainingImageCount)"),
      .init("batch size", "\(training.batchSize)"), .init("drop_last", "\(training.dropLast)"),
      .init("plan seed", "\(planSeed)"), .init("crop padding", "\(data.augmentation.cropPadding)"),
      .init("flip", "\(data.augmentation.flip)"),
    ]
    // Not named where there is none, as in recordings of earlier versions.
    return facts + laterFacts.filter { $0.value != RecordingHeader.Fact.none }
  }

  /// What earlier versions could not do.
  private var laterFacts: [RecordingHeader.Fact] {
    let unlabelled = unlabelledPart.map { "\($0.perBatch) of each batch, of \($0.count)" }
    return [data.augmentation.fact, .init("images without a class", unlabelled ?? RecordingHeader.Fact.none)]
  }

  /// The epochs whose batches all differ: those that a recording for this run has to hold.
  var distinctEpochs: Int { min(training.epochs, training.planEpochs ?? training.epochs) }

  /// Refuses a recording that was made for other batches, before the images are loaded.
  /// - Throws: `RunError` naming what differs.
  func check(_ recording: Recording) throws {
    let recorded = recording.header.batches
    try compare(planFacts, with: recorded.facts, in: recording)
    let later = laterFacts.map { fact in
      recorded.facts.first { $0.name == fact.name } ?? .init(fact.name, RecordingHeader.Fact.none)
    }
    try compare(laterFacts, with: later, in: recording)
    guard distinctEpochs <= recorded.epochs else {
      throw RunError(
        "teacher.recording: recorded for \(recorded.epochs) epochs, this run has \(distinctEpochs); record more, or "
          + "set training.plan_epochs: \(recorded.epochs) so that plan and signal begin again")
    }
  }

  /// Refuses a recording that was made with other images.
  /// - Throws: `RunError`.
  func check(_ recording: Recording, images: ImageSet) throws {
    try compare([images.fact], with: recording.header.batches.facts, in: recording)
  }

  private func compare(
    _ own: [RecordingHeader.Fact], with recorded: [RecordingHeader.Fact], in recording: Recording
  ) throws {
    for fact in own {
      guard let other = recorded.first(where: { $0.name == fact.name }), other != fact else { continue }
      throw RunError(
        "teacher.recording: \(recording.folder.displayName) was recorded for \(fact.name) "
          + "\(other.value), this run has \(fact.value)")
    }
  }
}

extension RecordingHeader.Fact {
  /// The value of what is not done.
  fileprivate static let none = "none"
}

extension Augmentation {
  /// What is done to images beside a padded crop and flips.
  fileprivate var fact: RecordingHeader.Fact {
    let parts = [
      randomResizedCrop.map { "random resized crop \($0)" },
      randAugment.map { "RandAugment \($0.magnitude) x \($0.operations)" }, named("color jitter", colorJitter),
      named("random erasing", randomErasing), named("mixup", mixup), named("CutMix", cutMix),
    ].compactMap(\.self)
    return .init("augmentation", parts.isEmpty ? RecordingHeader.Fact.none : parts.joined(separator: ", "))
  }

  private func named(_ name: String, _ number: Double) -> String? { number > 0 ? "\(name) \(number)" : nil }
}

extension RecordingHeader {
  /// SHA-256 of all that is said of what is recorded.
  var fingerprint: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Strings and whole numbers always encode.
    let data = (try? encoder.encode(self)) ?? Data()
    return Digest.sha256.hex(of: Array(data))
  }

  /// A short name that changes with anything recorded.
  var key: String { String(fingerprint.prefix(12)) }
}

extension ImageSet {
  /// The images themselves, in their order.
  var fact: RecordingHeader.Fact { .init("images of SHA-256", fingerprint) }
}
