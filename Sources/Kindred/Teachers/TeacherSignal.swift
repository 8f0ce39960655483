// The teacher as a signal: for each batch, what the losses need of it and nothing more.

import Torch

/// What the losses need of a teacher.
public struct TeacherNeeds {
  /// Of the inputs that a process sees.
  public let own: Set<TeacherStatistic>
  /// Of the inputs that all processes see together; of a process alone, none.
  public let whole: Set<TeacherStatistic>
  /// The processes.
  public let group: ProcessGroup

  /// What is needed by a process alone, or of its own inputs only.
  public init(_ statistics: Set<TeacherStatistic>) { self.init(own: statistics, whole: [], group: ProcessGroup()) }

  /// What is needed of the inputs of one process, and of all.
  public init(own: Set<TeacherStatistic>, whole: Set<TeacherStatistic>, group: ProcessGroup) {
    (self.own, self.whole, self.group) = (own, whole, group)
  }

  /// All of it.
  package var statistics: Set<TeacherStatistic> { own.union(whole) }
}

/// What the teacher gives for one batch.
public struct TeacherOutput {
  private let values: [TeacherStatistic: Value]
  /// The same of the inputs of all processes.
  private let wholeValues: [TeacherStatistic: Value]

  fileprivate enum Value {
    case computed(Tensor)
    case inRows(MatrixInRows)
  }

  /// Values that are there already, such as those of a recording.
  public init(_ values: [TeacherStatistic: Tensor] = [:]) { self.init(values, whole: [:]) }

  init(_ values: [TeacherStatistic: Tensor], whole: [TeacherStatistic: Tensor]) {
    self.init(values.mapValues(Value.computed), whole: whole.mapValues(Value.computed))
  }

  private init(_ values: [TeacherStatistic: Value], whole: [TeacherStatistic: Value] = [:]) {
    (self.values, wholeValues) = (values, whole)
  }

  /// What the losses need, computed from a teacher's activations without recording gradients.
  public init(_ activations: Activations, _ statistics: Set<TeacherStatistic>) {
    self.init(activations.values(of: statistics))
  }

  /// What the losses need of a rank's inputs and of all, computed from the teacher's activations of the rank's own.
  /// - Throws: `ProcessGroupError`.
  package init(_ activations: Activations, _ needs: TeacherNeeds, of batch: Batch) throws {
    let all = try activations.only(needs.whole.request).gathered(in: needs.group, of: batch.wholeCount)
    self.init(activations.values(of: needs.own), whole: all.values(of: needs.whole))
  }

  /// What was given of the inputs of all processes.
  var whole: TeacherOutput { TeacherOutput(wholeValues) }

  var statistics: some Collection<TeacherStatistic> { values.keys }

  /// What one of several teachers gave, counted from 1, as if it were alone; all of it for nil.
  func of(teacher number: Int?) -> TeacherOutput {
    guard let number else { return self }
    func own(_ values: [TeacherStatistic: Value]) -> [TeacherStatistic: Value] {
      Dictionary(
        uniqueKeysWithValues: values.filter { $0.key.teacher == number }.map { ($0.key.ofNoTeacher, $0.value) })
    }
    return TeacherOutput(own(values), whole: own(wholeValues))
  }

  func copied() -> TeacherOutput { TeacherOutput(values.mapValues { .computed($0.tensor.clone()) }) }

  /// Takes over the contents of another output of the same statistics and shapes.
  func fill(from other: TeacherOutput) {
    for (statistic, value) in values { value.tensor.copyInPlace(other[statistic]) }
  }

  /// The value of a statistic that was asked for.
  public subscript(statistic: TeacherStatistic) -> Tensor { value(of: statistic).tensor }

  /// Some rows of a b x b matrix that was asked for, without the others where these are not there yet.
  func rows(_ range: Range<Int>, of statistic: TeacherStatistic) -> Tensor {
    switch value(of: statistic) {
    case .computed(let matrix): matrix.narrowed(0, range)
    case .inRows(let matrix): withoutGradients { matrix.rows(range) }
    }
  }

  private func value(of statistic: TeacherStatistic) -> Value {
    guard let value = values[statistic] else { preconditionFailure("the teacher was not asked for \(statistic.name)") }
    return value
  }
}

extension TeacherOutput.Value {
  fileprivate var tensor: Tensor {
    switch self {
    case .computed(let tensor): tensor
    case .inRows(let matrix): withoutGradients { matrix.whole }
    }
  }
}

extension Activations {
  fileprivate func values(of statistics: Set<TeacherStatistic>) -> [TeacherStatistic: TeacherOutput.Value] {
    withoutGradients {
      Dictionary(
        uniqueKeysWithValues: statistics.map { statistic in
          (statistic, statistic.inRows(self).map { .inRows($0) } ?? .computed(statistic.compute(self)))
        })
    }
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
