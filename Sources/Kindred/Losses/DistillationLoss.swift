// What all methods of distillation have in common.

import Torch

/// A method of distillation: a scalar that is small where the student agrees with the teacher.
///
/// A method says what it needs of both networks, so that a teacher is run no further than needed, and a recording
/// can serve or refuse it.
public protocol DistillationLoss {
  /// The method's short name in configurations, logs and tables, such as `sp`.
  var name: String { get }

  /// What it needs of the teacher.
  var teacherNeeds: Set<TeacherNeed> { get }

  /// What it needs of the student.
  var studentRequest: ActivationRequest { get }

  /// What the method trains beside the student, such as an adapter; nil for most.
  var adapter: Module? { get }

  /// The loss of a batch, unweighted: a scalar.
  func callAsFunction(_ student: Activations, _ teacher: TeacherOutput) -> Tensor
}

extension DistillationLoss {
  public var adapter: Module? { nil }
}

/// A layer of the student and the layer of the teacher that it is compared with.
public struct LayerPair: Sendable, Hashable {
  public let student: String
  public let teacher: String

  public init(student: String, teacher: String) {
    self.student = student
    self.teacher = teacher
  }

  /// The same name in both.
  public init(_ name: String) { self.init(student: name, teacher: name) }
}

/// The sum of scalars.
func total(_ scalars: [Tensor]) -> Tensor {
  guard let first = scalars.first else { preconditionFailure("a loss needs at least one layer pair") }
  return scalars.dropFirst().reduce(first, +)
}
