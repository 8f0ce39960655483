// What a recording is of: everything that its signal depends on.

import Foundation
import Torch

/// The contents of a recording's `recording.json`.
public struct RecordingHeader: Sendable, Equatable, Codable {
  /// Something that the signal depends on, such as `batch size` and `128`.
  public struct Fact: Sendable, Equatable, Codable {
    public let name: String
    public let value: String

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
    public let epochs: Int
    public let perEpoch: Int
    public let size: Int
    /// The size of an epoch's last batch.
    public let lastSize: Int
    /// What the batches depend on: data, order and augmentation.
    public let facts: [Fact]

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

  /// The version of the layout, 1.
  public let version: Int
  public let teacher: TeacherDescription
  /// What the teacher's output depends on beside the batches: its weights and its precision.
  public let teacherFacts: [Fact]
  public let batches: Batches
  /// The methods it was made for, such as `sp`.
  public let methods: [String]
  /// The recorded signals by name, see `TeacherNeed.signalName`.
  public let signals: [String]
  public let storage: Storage

  /// A header of this version's layout, for runs with these objectives.
  public init(
    teacher: TeacherDescription, teacherFacts: [Fact], batches: Batches, objectives: [Objective], storage: Storage
  ) {
    version = 1
    self.teacher = teacher
    self.teacherFacts = teacherFacts
    self.batches = batches
    methods = Set(objectives.flatMap { $0.terms.map(\.loss.name) }).sorted()
    signals = Set(objectives.flatMap { $0.teacherNeeds.map(\.signalName) }).sorted()
    self.storage = storage
  }
}

extension TeacherDescription {
  /// More values than any activation of one input has.
  private static let largestCount = 1 << 28

  /// Whether there can be such shapes; a header may come from anybody.
  var isPossible: Bool {
    ([[classes ?? 1]] + Array(taps.values)).allSatisfy { shape in
      var count = 1
      return shape.allSatisfy { length in
        guard length > 0, length <= TeacherDescription.largestCount / count else { return false }
        count *= length
        return true
      }
    }
  }
}

extension RecordingHeader {
  /// The bytes that some batches' signals take.
  public func byteCount(_ needs: Set<TeacherNeed>, batches range: Range<Int>) -> Int {
    let whole = blockBytes(needs, size: batches.size)
    let last = blockBytes(needs, size: batches.lastSize)
    let lasts = range.upperBound / batches.perEpoch - range.lowerBound / batches.perEpoch
    return (range.count - lasts) * whole + lasts * last
  }

  private func blockBytes(_ needs: Set<TeacherNeed>, size: Int) -> Int {
    needs.reduce(0) { $0 + $1.shape(batch: size, of: teacher).reduce(1, *) * storage.dtype.byteCount }
  }

  /// The first thing in which another recording differs, as "recorded for batch size 128, now 64"; nil for an equal one.
  func difference(from other: RecordingHeader) -> String? {
    guard self != other else { return nil }
    for (own, theirs) in zip(allFacts, other.allFacts) where own != theirs {
      return "recorded for \(theirs.name) \(theirs.value), now \(own.value)"
    }
    return "recorded for another teacher"
  }

  private var allFacts: [Fact] {
    batches.facts + teacherFacts + [
      Fact("epochs", "\(batches.epochs)"), Fact("methods", methods.joined(separator: ", ")),
      Fact("signals", signals.joined(separator: ", ")), Fact("storage", storage.rawValue),
    ]
  }
}

extension TeacherNeed {
  /// The name under which a recording keeps it: `logits`, `similarity.stage3`, `attention.stage1`, `attention.stage1.8`
  /// (pooled to 8 x 8 first), `activation.stage2`.
  public var signalName: String {
    switch self {
    case .logits: "logits"
    case .activation(let tap): "activation.\(tap)"
    case .similarity(let tap): "similarity.\(tap)"
    case .attention(let tap, nil): "attention.\(tap)"
    case .attention(let tap, let size?): "attention.\(tap).\(size)"
    }
  }

  /// The shape of this need for a batch.
  func shape(batch: Int, of teacher: TeacherDescription) -> [Int] {
    switch self {
    case .logits: [batch, teacher.classes ?? 0]
    case .activation(let tap): [batch] + (teacher.taps[tap] ?? [])
    case .similarity: [batch, batch]
    case .attention(_, let size?): [batch, size * size]
    case .attention(let tap, nil): [batch, (teacher.taps[tap] ?? []).dropFirst().reduce(1, *)]
    }
  }
}
