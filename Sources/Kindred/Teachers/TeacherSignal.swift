// The teacher as a signal: for each batch, what the losses need of it and nothing more.

import Torch

/// What the teacher gives for one batch.
public struct TeacherOutput {
  private let values: [TeacherStatistic: Tensor]

  /// Values that are there already, such as those of a recording.
  public init(_ values: [TeacherStatistic: Tensor] = [:]) { self.values = values }

  /// What the losses need, computed from a teacher's activations without recording gradients.
  public init(_ activations: Activations, _ statistics: Set<TeacherStatistic>) {
    values = withoutGradients {
      Dictionary(uniqueKeysWithValues: statistics.map { ($0, $0.compute(activations)) })
    }
  }

  var statistics: Dictionary<TeacherStatistic, Tensor>.Keys { values.keys }

  /// What one of several teachers gave, counted from 1, as if it were alone; all of it for nil.
  func of(teacher number: Int?) -> TeacherOutput {
    guard let number else { return self }
    let own = values.filter { $0.key.teacher == number }
    return TeacherOutput(Dictionary(uniqueKeysWithValues: own.map { ($0.key.ofNoTeacher, $0.value) }))
  }

  func copied() -> TeacherOutput { TeacherOutput(values.mapValues { $0.clone() }) }

  /// Takes over the contents of another output of the same statistics and shapes.
  func fill(from other: TeacherOutput) {
    for (statistic, value) in values { value.copyInPlace(other[statistic]) }
  }

  /// The value of a statistic that was asked for.
  public subscript(statistic: TeacherStatistic) -> Tensor {
    guard let value = values[statistic] else { preconditionFailure("the teacher was not asked for \(statistic.name)") }
    return value
  }
}

/// A source of what a teacher gives for each batch.
public protocol TeacherSignal {
  /// Whether `output` is work for the device alone, the same for every batch, so that it can be part of a captured step.
  var isCapturable: Bool { get }

  /// - Throws: where the signal comes from outside and fails.
  func output(for batch: Batch) throws -> TeacherOutput

  /// What the network behind the signal gives for some inputs, as far as losses need it: so that it can be checked before
  /// it teaches. nil where there is no network to be asked.
  /// - Throws: where the network is broken, or does not take the inputs.
  func activations(of input: Tensor) throws -> Activations?
}

extension TeacherSignal {
  public var isCapturable: Bool { false }
  public func activations(of input: Tensor) throws -> Activations? { nil }
}
