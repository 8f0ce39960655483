// The weighted sum that a run minimises.

import Torch

/// Cross-entropy and any number of distillation losses, weighted.
public struct Objective {
  /// A method and its weight.
  public struct Term {
    /// What tells it from the objective's other terms, in metrics, checkpoints and errors. Without dots.
    public let id: String
    public let loss: any DistillationLoss
    /// nil while it is still to be found, see `WeightCalibration`; a run does not begin with such a term.
    public var weight: Double?

    /// A method with its weight, nil for one that is still to be found. The id is the method's name unless one is given: two
    /// terms of one method need one each.
    public init(_ loss: any DistillationLoss, weight: Double?, id: String? = nil) {
      self.loss = loss
      self.weight = weight
      self.id = id ?? loss.name
    }
  }

  public var crossEntropyWeight: Double
  public private(set) var terms: [Term]

  /// Two terms with one id, or an id that is empty, has a dot, or means something else, are a programmer's mistake.
  public init(crossEntropyWeight: Double = 1, terms: [Term] = []) {
    var taken: Set<String> = [Objective.crossEntropyID, Objective.totalID]
    for id in terms.map(\.id) {
      // Not a precondition, whose words an optimised build leaves out.
      guard !id.isEmpty, !id.contains("."), taken.insert(id).inserted else {
        fatalError("'\(id)' cannot be a term's id, or is another's already: give each term an id of its own")
      }
    }
    self.crossEntropyWeight = crossEntropyWeight
    self.terms = terms
  }

  static let crossEntropyID = "cross_entropy"
  /// Under which the weighted total is reported.
  static let totalID = "loss"

  /// A batch's loss and what it is made of.
  public struct Value {
    /// The weighted sum, to run backwards.
    public let total: Tensor
    /// Each term by id, unweighted, in the order of the objective: `cross_entropy` first.
    public let terms: [(name: String, value: Tensor)]
  }

  public var teacherNeeds: Set<TeacherNeed> { terms.reduce(into: []) { $0.formUnion($1.loss.teacherNeeds) } }

  public var studentRequest: ActivationRequest {
    terms.reduce(.logits) { $0.union($1.loss.studentRequest) }
  }

  /// What the methods train beside the student, by the term's id.
  public var adapters: [(name: String, module: Module)] {
    terms.compactMap { term in term.loss.adapter.map { (term.id, $0) } }
  }

  /// Sets the weight that was found for a term, which must be one of this objective's.
  public mutating func setWeight(_ weight: Double, of id: String) {
    guard let index = terms.firstIndex(where: { $0.id == id }) else { fatalError("there is no term '\(id)'") }
    terms[index].weight = weight
  }

  /// - Throws: `UnweightedTerm` where a weight is still to be found.
  func requireWeights() throws {
    if let term = terms.first(where: { $0.weight == nil }) { throw UnweightedTerm(id: term.id) }
  }

  /// Every term's weight must be known.
  public func callAsFunction(_ student: Activations, _ teacher: TeacherOutput, labels: Tensor) -> Value {
    let crossEntropy = student.requiredLogits().crossEntropy(labels: labels)
    var sum = crossEntropy * crossEntropyWeight
    var values = [(Objective.crossEntropyID, crossEntropy)]
    for term in terms {
      guard let weight = term.weight else { fatalError(UnweightedTerm(id: term.id).description) }
      let value = term.loss(student, teacher)
      sum = sum + value * weight
      values.append((term.id, value))
    }
    return Value(total: sum, terms: values)
  }
}

/// A term whose weight is still to be found: a run with it would be one without it.
public struct UnweightedTerm: Error, CustomStringConvertible, Sendable {
  public let id: String

  public var description: String { "'\(id)' has no weight yet: calibrate it, or give a number" }
}
