// What losses need of the teacher, computed once a batch and recordable.

import Torch

/// Something that a loss needs of the teacher for a batch, computed from the teacher's activations.
///
/// Statistics are equal by name, so that losses which need the same share it. A loss makes its own beside itself.
public struct TeacherStatistic: Sendable {
  /// Its key in a recording, such as `similarity.stage3`, or `teacher2.similarity.stage3` of one of several teachers.
  public var name: String { (teacher.map { "teacher\($0)." } ?? "") + ownName }
  /// Which of several teachers, counted from 1; nil for the only one, or the mean of all.
  package private(set) var teacher: Int?
  private let ownName: String
  /// What the teacher network is asked for.
  public let request: ActivationRequest
  private let ownShape: @Sendable (_ batch: Int, _ teacher: NetworkDescription) -> [Int]
  let compute: @Sendable (Activations) -> Tensor
  /// The value in rows, for activations of so many inputs that it would not fit in memory; nil for the others.
  private(set) var inRows: @Sendable (Activations) -> MatrixInRows? = { _ in nil }

  /// - Parameters:
  ///   - name: its key in a recording; another one for whatever gives another value.
  ///   - request: what the teacher network is asked for.
  ///   - shape: of the value, for a number of inputs and what is known of the teacher.
  ///   - compute: the value, from the activations asked for; without gradients.
  public init(
    _ name: String, _ request: ActivationRequest,
    shape: @escaping @Sendable (_ batch: Int, _ teacher: NetworkDescription) -> [Int],
    compute: @escaping @Sendable (Activations) -> Tensor
  ) {
    (ownName, self.request, ownShape, self.compute) = (name, request, shape, compute)
  }

  /// The same of one of several teachers, counted from 1; nil for the mean of all.
  public func of(teacher number: Int?) -> TeacherStatistic {
    var other = self
    other.teacher = number
    return other
  }

  /// The same where there is one teacher.
  var ofNoTeacher: TeacherStatistic { of(teacher: nil) }

  /// Whether its value for one input depends on the others, as that of a b x b matrix.
  func relatesInputs(of description: NetworkDescription) -> Bool {
    shape(2, description).dropFirst() != shape(3, description).dropFirst()
  }

  /// The value's shape for a number of inputs.
  func shape(_ batch: Int, _ description: NetworkDescription) -> [Int] {
    ownShape(batch, description.teacher(teacher))
  }
}

extension TeacherStatistic: Hashable {
  public static func == (one: TeacherStatistic, other: TeacherStatistic) -> Bool { one.name == other.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension TeacherStatistic {
  /// The logits, b x classes.
  public static let logits = TeacherStatistic(Activations.logitsName, .logits) { batch, teacher in
    [batch, teacher.classes ?? 0]
  } compute: {
    $0.requiredLogits()
  }

  /// An activation as it is, or the logits under their name.
  public static func activation(_ tap: String) -> TeacherStatistic {
    guard tap != Activations.logitsName else { return .logits }
    return TeacherStatistic("activation.\(tap)", ActivationRequest(taps: [tap])) { batch, teacher in
      [batch] + (teacher.shape(of: tap) ?? [])
    } compute: {
      $0.tap(tap)
    }
  }

  /// A map, average-pooled to `size` x `size`.
  public static func activation(_ tap: String, pooledTo size: Int) -> TeacherStatistic {
    TeacherStatistic("activation.\(tap).\(size)", ActivationRequest(taps: [tap])) { batch, teacher in
      [batch, teacher.shape(of: tap)?.first ?? 0, size, size]
    } compute: {
      $0.tap(tap).averagePooled(toHeight: size, width: size)
    }
  }

  /// The pooled vector, b x features.
  public static let pooled = TeacherStatistic.activation(Activations.pooledName)

  /// Which inputs of a batch are alike, b x b, computed from the activation at a tap. `kind` and tap name it.
  public static func relation(
    _ kind: String, of tap: String, compute: @escaping @Sendable (Tensor) -> Tensor
  ) -> TeacherStatistic {
    TeacherStatistic("\(kind).\(tap)", ActivationRequest(taps: [tap])) { batch, _ in
      [batch, batch]
    } compute: {
      compute($0.tap(tap))
    }
  }

  /// The same, which for the activations of a large batch is computed in rows.
  static func relation(
    _ kind: String, of tap: String, compute: @escaping @Sendable (Tensor) -> Tensor,
    inRows: @escaping @Sendable (Tensor) -> MatrixInRows?
  ) -> TeacherStatistic {
    var statistic = relation(kind, of: tap, compute: compute)
    statistic.inRows = { inRows($0.tap(tap)) }
    return statistic
  }
}

extension Set<TeacherStatistic> {
  /// What the teacher network has to be asked for.
  package var request: ActivationRequest { reduce(ActivationRequest()) { $0.union($1.request) } }
}
