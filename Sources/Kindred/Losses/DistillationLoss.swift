// What all losses have in common.

import Torch

/// A scalar to be made small in a step: a method of distillation, or cross-entropy.
///
/// A loss says what it needs of both networks, so that a teacher is run no further than needed, and a recording can serve
/// or refuse it.
public protocol DistillationLoss {
  /// What it needs of the teacher.
  var statistics: Set<TeacherStatistic> { get }

  /// What it needs of the student.
  var request: ActivationRequest { get }

  /// What is trained beside the student, such as an adapter, and what is kept from step to step, as buffers; nil for most.
  var module: Module? { get }

  /// The network that is trained and kept: the student itself, unless the loss makes something of its own a part of it.
  func student(_ network: Network) -> Network

  /// What the loss needs beside the batch, such as negatives that it draws: a function of the batch, its position and the
  /// seed alone. It is asked outside the step, which a device may repeat as a whole. Empty for most.
  func prepare(_ batch: Batch, seed: UInt64) -> [String: Tensor]

  /// What a loss is a mean of, which says how several processes compute it together.
  var reduction: BatchReduction { get }

  /// What the weight is multiplied by in an epoch, counted from 0, beside the term's own warm-up; nil for a loss whose
  /// weight stays as it is.
  func factor(epoch: Int) -> Double?

  /// The loss of a step, unweighted: a scalar.
  func callAsFunction(_ step: Step) -> Tensor
}

/// What the loss of a batch is made of.
public enum BatchReduction: Sendable {
  /// A mean over the inputs, of which none depends on another one.
  case inputs
  /// A mean over the inputs that have a class, of which none depends on another one.
  case labelledInputs
  /// Something of all inputs together: which are alike, or what is kept of each for later steps.
  case relations
}

extension DistillationLoss {
  public var reduction: BatchReduction { .inputs }
  public var statistics: Set<TeacherStatistic> { [] }
  public var module: Module? { nil }
  public func student(_ network: Network) -> Network { network }
  public func prepare(_ batch: Batch, seed: UInt64) -> [String: Tensor] { [:] }
  public func factor(epoch: Int) -> Double? { nil }
}

/// A layer of the student and the layer of the teacher that it is compared with.
public struct LayerPair: Sendable, Hashable {
  public let student: String
  /// The teacher's tap.
  public let teacher: String

  /// One tap of each network.
  public init(student: String, teacher: String) {
    self.student = student
    self.teacher = teacher
  }

  /// The same name in both.
  public init(_ name: String) { self.init(student: name, teacher: name) }
}

/// The sum of scalars.
func total(_ scalars: [Tensor]) -> Tensor {
  // Not a precondition, whose words an optimised build leaves out.
  guard let first = scalars.first else {
    fatalError("no layers are named: name some, or take what the method's loss(for:) makes for two networks")
  }
  return scalars.dropFirst().reduce(first, +)
}
