// The weighted sum that a run minimises.

import Torch

/// Cross-entropy and any number of distillation losses, weighted.
public struct Objective {
  /// A method and its weight.
  public struct Term {
    public let loss: any DistillationLoss
    public var weight: Double

    public init(_ loss: any DistillationLoss, weight: Double) {
      self.loss = loss
      self.weight = weight
    }
  }

  public var crossEntropyWeight: Double
  public var terms: [Term]

  public init(crossEntropyWeight: Double = 1, terms: [Term] = []) {
    self.crossEntropyWeight = crossEntropyWeight
    self.terms = terms
  }

  /// A batch's loss and what it is made of.
  public struct Value {
    /// The weighted sum, to run backwards.
    public let total: Tensor
    /// Each term by name, unweighted, in the order of the objective: `cross_entropy` first.
    public let terms: [(name: String, value: Tensor)]
  }

  public var teacherNeeds: Set<TeacherNeed> { terms.reduce(into: []) { $0.formUnion($1.loss.teacherNeeds) } }

  public var studentRequest: ActivationRequest {
    terms.reduce(.logits) { $0.union($1.loss.studentRequest) }
  }

  /// What the methods train beside the student, by the method's name.
  public var adapters: [(name: String, module: Module)] {
    terms.compactMap { term in term.loss.adapter.map { (term.loss.name, $0) } }
  }

  public func callAsFunction(_ student: Activations, _ teacher: TeacherOutput, labels: Tensor) -> Value {
    let crossEntropy = student.requiredLogits().crossEntropy(labels: labels)
    var sum = crossEntropy * crossEntropyWeight
    var values = [("cross_entropy", crossEntropy)]
    for term in terms {
      let value = term.loss(student, teacher)
      sum = sum + value * term.weight
      values.append((term.loss.name, value))
    }
    return Value(total: sum, terms: values)
  }
}
