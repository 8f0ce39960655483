// Several teachers at once: a loss learns from the mean of what they give, or from one of them.

import Torch

/// Teachers that are asked about the same batches.
///
/// A statistic that belongs to no teacher is the mean of all of theirs: of logits, of similarity matrices, of activations of one
/// shape. One that belongs to a teacher, see `TeacherStatistic.of(teacher:)`, is that teacher's own.
public final class SeveralTeachers: TeacherSignal {
  private let teachers: [any TeacherSignal]
  private let needs: TeacherNeeds

  /// - Parameters:
  ///   - needs: what the losses need.
  ///   - teachers: two or more, each of which gives what `needed(of:)` says of its number.
  public init(_ needs: TeacherNeeds, _ teachers: [any TeacherSignal]) {
    (self.teachers, self.needs) = (teachers, needs)
  }

  public var isCapturable: Bool { teachers.allSatisfy(\.isCapturable) }

  public func output(for batch: Batch) throws -> TeacherOutput {
    let outputs = try teachers.map { try $0.output(for: batch) }
    let wholes = outputs.map(\.whole)
    return withoutGradients {
      TeacherOutput(values(of: needs.own, in: outputs), whole: values(of: needs.whole, in: wholes))
    }
  }

  private func values(
    of statistics: Set<TeacherStatistic>, in outputs: [TeacherOutput]
  ) -> [TeacherStatistic: Tensor] {
    Dictionary(uniqueKeysWithValues: statistics.map { ($0, value(of: $0, in: outputs)) })
  }

  private func value(of statistic: TeacherStatistic, in outputs: [TeacherOutput]) -> Tensor {
    if let number = statistic.teacher { return outputs[number - 1][statistic.ofNoTeacher] }
    return total(outputs.map { $0[statistic] }) / Double(outputs.count)
  }

  /// Those of the teachers that are networks, each under its number.
  public func activations(of input: Tensor) throws -> Activations? {
    var all: [String: Tensor] = [:]
    for (index, teacher) in teachers.enumerated() {
      guard let own = try teacher.activations(of: input) else { continue }
      for (name, tensor) in own.taps { all["\(index + 1).\(name)"] = tensor }
      all["\(index + 1).\(Activations.logitsName)"] = own.logits
    }
    return all.isEmpty ? nil : Activations(taps: all)
  }
}

extension TeacherNeeds {
  /// What one of several teachers, counted from 1, has to give.
  public func needed(of number: Int) -> TeacherNeeds {
    TeacherNeeds(own: own.needed(of: number), whole: whole.needed(of: number), group: group)
  }
}

extension Set<TeacherStatistic> {
  /// What one of several teachers, counted from 1, has to give.
  public func needed(of number: Int) -> Set<TeacherStatistic> {
    Set(filter { $0.teacher == nil || $0.teacher == number }.map(\.ofNoTeacher))
  }
}

extension NetworkDescription {
  /// Several teachers as one: what all of them give, in the shapes of the first.
  public init(_ teachers: [NetworkDescription]) {
    guard let first = teachers.first else { fatalError("there is no teacher to describe") }
    let classes = teachers.allSatisfy { $0.classes == first.classes } ? first.classes : nil
    let taps = first.taps.filter { tap in teachers.allSatisfy { $0.taps[tap.key] != nil } }
    self.init(name: teachers.map(\.name).joined(separator: " + "), classes: classes, taps: taps)
    self.teachers = teachers
  }

  /// One of several teachers, counted from 1; all as one for nil.
  package func teacher(_ number: Int?) -> NetworkDescription {
    guard let number, let teachers else { return self }
    return teachers[number - 1]
  }

  /// Why the mean of a statistic over several teachers cannot be: their shapes; nil where it can.
  package func obstacle(toMeanOf statistic: TeacherStatistic) -> String? {
    guard let teachers, statistic.teacher == nil else { return nil }
    let shapes = teachers.map { statistic.shape(1, $0) }
    guard let other = shapes.first(where: { $0 != shapes[0] }) else { return nil }
    return
      "the teachers' \(statistic.name) are of different shapes (\(shapes[0].dropFirst().map(String.init).joined(separator: " x ")) and "
      + "\(other.dropFirst().map(String.init).joined(separator: " x ")) for an input), and have no mean"
  }
}
