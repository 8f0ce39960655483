// What a recording is of: everything that its signal depends on.

import Foundation
import Torch

/// The contents of a recording's `recording.json`.
public struct RecordingHeader: Sendable, Equatable, Codable {
  /// Something that the signal depends on, such as `batch size` and `128`.
  public struct Fact: Sendable, Equatable, Codable {
    /// What it is.
    public let name: String
    /// What it was in the recording.
    public let value: String

    /// A fact of that name.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// How numbers are kept.
  public enum Storage: String, Sendable, Codable, CaseIterable {
    /// As the losses use them: a replayed run equals the live one byte for byte.
    case float32
    /// In half the space, rounded to 11 significant bits.
    case float16

    var dtype: DType {
      switch self {
      case .float32: .float32
      case .float16: .float16
      }
    }
  }

  /// The sequence of batches that was recorded.
  public struct Batches: Sendable, Equatable, Codable {
    /// The epochs that were recorded.
    public let epochs: Int
    /// The batches of an epoch.
    public let perEpoch: Int
    /// The inputs of a batch.
    public let size: Int
    /// The size of an epoch's last batch.
    public let lastSize: Int
    /// What the batches depend on: data, order and augmentation.
    public let facts: [Fact]

    /// A sequence of these parts.
    public init(epochs: Int, perEpoch: Int, size: Int, lastSize: Int, facts: [Fact]) {
      self.epochs = epochs
      self.perEpoch = perEpoch
      self.size = size
      self.lastSize = lastSize
      self.facts = facts
    }

    /// All batches, over all epochs.
    public var count: Int { epochs * perEpoch }

    /// Whether there can be such batches; a header may come from anybody.
    var isPossible: Bool {
      epochs > 0 && perEpoch > 0 && lastSize > 0 && lastSize <= size
        && !epochs.multipliedReportingOverflow(by: perEpoch).overflow
    }
  }

  /// The shapes of the signals, by their names.
  public struct Shapes: Sendable, Equatable, Codable {
    /// Of a batch.
    public let batch: [String: [Int]]
    /// Of an epoch's last batch, which may be smaller.
    public let lastBatch: [String: [Int]]

    init(_ statistics: Set<TeacherStatistic>, _ batches: Batches, _ teacher: NetworkDescription) {
      func shapes(_ size: Int) -> [String: [Int]] {
        Dictionary(uniqueKeysWithValues: statistics.map { ($0.name, $0.shape(size, teacher)) })
      }
      (batch, lastBatch) = (shapes(batches.size), shapes(batches.lastSize))
    }

    /// More values than a batch's signal has.
    private static let largestCount = 1 << 48

    /// Whether there can be such shapes; a header may come from anybody.
    var isPossible: Bool {
      (Array(batch.values) + Array(lastBatch.values)).allSatisfy { $0.isPossible(upTo: Shapes.largestCount) }
    }
  }

  /// The version of the layout, 1.
  public let version: Int
  /// The network that was recorded.
  public let teacher: NetworkDescription
  /// What the teacher's output depends on beside the batches: its weights and its precision.
  public let teacherFacts: [Fact]
  /// The batches it was asked about.
  public private(set) var batches: Batches
  /// The methods it was made for, such as `sp`.
  public let methods: [String]
  /// The recorded signals by name, see `TeacherStatistic.name`.
  public let signals: [String]
  /// How the signals' numbers are kept.
  public let storage: Storage
  /// The shapes of what is kept; nil in recordings of earlier versions.
  public let shapes: Shapes?

  /// A header of this version's layout, for runs with these methods and what they need.
  public init(
    teacher: NetworkDescription, teacherFacts: [Fact], batches: Batches, methods: Set<String>,
    statistics: Set<TeacherStatistic>, storage: Storage
  ) {
    version = 1
    self.teacher = teacher
    self.teacherFacts = teacherFacts
    self.batches = batches
    self.methods = methods.sorted()
    signals = statistics.map(\.name).sorted()
    self.storage = storage
    shapes = Shapes(statistics, batches, teacher)
  }

  /// The shape of a signal of a batch, which is counted over all epochs; nil where the header does not say it.
  func shape(of signal: String, _ batch: Int) -> [Int]? {
    let isLast = batch % batches.perEpoch == batches.perEpoch - 1
    return (isLast ? shapes?.lastBatch : shapes?.batch)?[signal]
  }
}

extension NetworkDescription {
  /// Whether it may be the same network. An earlier version named fewer of its activations.
  fileprivate func agrees(with other: NetworkDescription) -> Bool {
    name == other.name && classes == other.classes
      && taps.allSatisfy { tap, shape in other.taps[tap].map { $0 == shape } ?? true }
  }

  /// More values than any activation of one input has.
  private static let largestCount = 1 << 28

  /// Whether there can be such shapes; a header may come from anybody.
  var isPossible: Bool {
    ([[classes ?? 1]] + Array(taps.values)).allSatisfy { $0.isPossible(upTo: NetworkDescription.largestCount) }
  }
}

extension [Int] {
  /// Whether it is the shape of some values, and not of more than so many.
  fileprivate func isPossible(upTo largestCount: Int) -> Bool {
    var count = 1
    return allSatisfy { length in
      guard length > 0, length <= largestCount / count else { return false }
      count *= length
      return true
    }
  }
}

extension Collection<[Int]> {
  /// What tensors of these shapes take; as much as can be counted where it is more.
  fileprivate func bytes(_ storage: RecordingHeader.Storage) -> Int {
    reduce(0) { sum, shape in
      let bytes = shape.reduce(storage.dtype.byteCount) { product, length in
        let (value, overflow) = product.multipliedReportingOverflow(by: length)
        return overflow ? .max : value
      }
      let (value, overflow) = sum.addingReportingOverflow(bytes)
      return overflow ? .max : value
    }
  }
}

extension RecordingHeader {
  /// The bytes that some batches' signals take.
  package func byteCount(_ statistics: Set<TeacherStatistic>, batches range: Range<Int>) -> Int {
    let whole = blockBytes(statistics, size: batches.size)
    let last = blockBytes(statistics, size: batches.lastSize)
    let lasts = range.upperBound / batches.perEpoch - range.lowerBound / batches.perEpoch
    return (range.count - lasts) * whole + lasts * last
  }

  /// Which batches a shard holds.
  package func layout(_ statistics: Set<TeacherStatistic>) -> RecordingLayout {
    RecordingLayout(batches: batches.count, batchBytes: blockBytes(statistics, size: batches.size))
  }

  private func blockBytes(_ statistics: Set<TeacherStatistic>, size: Int) -> Int {
    statistics.map { $0.shape(size, teacher) }.bytes(storage)
  }

  /// The first thing in which another recording differs, as "recorded for batch size 128, now 64"; nil for an equal one.
  func difference(from other: RecordingHeader) -> String? {
    for (own, theirs) in zip(allFacts, other.allFacts) where own != theirs {
      return "recorded for \(theirs.name) \(theirs.value), now \(own.value)"
    }
    let isTheSame =
      teacher.agrees(with: other.teacher) && allFacts.count == other.allFacts.count && batches == other.batches
    return isTheSame ? nil : "recorded for another teacher"
  }

  /// Whether it is another recording with more epochs, and nothing else about it.
  func prolongs(_ other: RecordingHeader) -> Bool {
    guard batches.epochs > other.batches.epochs else { return false }
    var shorter = self
    shorter.batches = Batches(
      epochs: other.batches.epochs, perEpoch: batches.perEpoch, size: batches.size, lastSize: batches.lastSize,
      facts: batches.facts)
    return shorter.difference(from: other) == nil
  }

  private var allFacts: [Fact] {
    batches.facts + teacherFacts + [
      Fact("epochs", "\(batches.epochs)"), Fact("methods", methods.joined(separator: ", ")),
      Fact("signals", signals.joined(separator: ", ")), Fact("storage", storage.rawValue),
    ]
  }
}
