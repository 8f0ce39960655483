// The weighted sum that a run minimises.

import Torch

/// Any number of losses, weighted: cross-entropy is one of them.
public struct Objective {
  /// A loss and its weight.
  public struct Term {
    /// What tells it from the objective's other terms, in metrics, checkpoints and errors. Without dots.
    public let id: String
    /// What is computed.
    public let loss: any DistillationLoss
    /// nil while it is still to be found, see `WeightCalibration`; a run does not begin with such a term.
    public var weight: Double?
    /// The epochs over which the weight rises linearly, from 1/n of it in the first of n.
    public let warmUpEpochs: Int
    /// Which of several teachers it learns from, counted from 1; nil for the only one, or the mean of all.
    public let teacher: Int?
    /// Which inputs a loss of relations relates, where several processes share a batch.
    public let scope: Scope

    /// Whose inputs are related to one another.
    public enum Scope: String, Sendable, CaseIterable {
      /// Those of all processes: the same loss whatever their number.
      case global
      /// Those of each process alone, as in most other programs: another loss with each number of processes.
      case local
    }

    /// A loss with its weight, nil for one that is still to be found.
    public init(
      _ id: String, _ loss: any DistillationLoss, weight: Double?, warmUpEpochs: Int = 0, teacher: Int? = nil,
      scope: Scope = .global
    ) {
      self.id = id
      self.loss = loss
      self.weight = weight
      self.warmUpEpochs = warmUpEpochs
      self.teacher = teacher
      self.scope = scope
    }

    /// Whether it is computed of the inputs of all processes, by each of them alike.
    var seesWholeBatch: Bool { loss.reduction == .relations && scope == .global }

    /// What the loss needs, of the teacher that it learns from.
    package var statistics: Set<TeacherStatistic> { Set(loss.statistics.map { $0.of(teacher: teacher) }) }

    /// What the weight is multiplied by in an epoch, counted from 0; nil for one that stays as it is.
    package func factor(epoch: Int) -> Double? {
      let warmUp = warmUpEpochs > 1 ? min(Double(epoch + 1) / Double(warmUpEpochs), 1) : nil
      guard let own = loss.factor(epoch: epoch) else { return warmUp }
      return own * (warmUp ?? 1)
    }

    /// Cross-entropy with the labels, as they are unless a smoothing is given.
    public static func crossEntropy(weight: Double = 1, labelSmoothing: Double = 0) -> Term {
      Term(Objective.crossEntropyID, CrossEntropy(labelSmoothing: labelSmoothing), weight: weight)
    }
  }

  /// The losses in their order, each with its id and weight.
  public private(set) var terms: [Term]

  /// Two terms with one id, or an id that is empty, has a dot, or means something else, are a programmer's mistake, and so is
  /// an objective of no terms.
  public init(_ terms: [Term]) {
    var taken: Set<String> = [Objective.totalID]
    for id in terms.map(\.id) {
      // Not a precondition, whose words an optimised build leaves out.
      guard !id.isEmpty, !id.contains("."), taken.insert(id).inserted else {
        fatalError("'\(id)' cannot be a term's id, or is another's already: give each term an id of its own")
      }
    }
    guard !terms.isEmpty else { fatalError("an objective needs a term to be made small") }
    self.terms = terms
  }

  /// The id of cross-entropy.
  package static let crossEntropyID = "cross_entropy"
  /// Under which the weighted total is reported.
  package static let totalID = "loss"

  /// A step's loss and what it is made of.
  public struct Value {
    /// The weighted sum, to run backwards.
    public let total: Tensor
    /// Each term by id, unweighted, in the order of the objective.
    public let terms: [(id: String, value: Tensor)]
  }

  /// The losses that learn from logits alone, as they count: cross-entropy and such as KD, which takes a part of its weight.
  /// What `auto` sets other losses against. Cross-entropy by itself where none of them counts or has its weight yet.
  ///
  /// - Parameter id: that of a term which is left out, because it is to be set against the others.
  public func lossesOfLogits(without id: String? = nil) -> [Term] {
    let found = terms.filter { $0.id != id && $0.loss.request == .logits && ($0.weight ?? 0) > 0 }
    return found.isEmpty ? [.crossEntropy()] : found
  }

  /// What all terms together need of the teacher.
  public var statistics: Set<TeacherStatistic> { terms.reduce(into: []) { $0.formUnion($1.statistics) } }

  /// The same where several processes share each batch.
  public func needs(in group: ProcessGroup) -> TeacherNeeds {
    guard group.isShared else { return TeacherNeeds(statistics) }
    func needed(_ terms: [Term]) -> Set<TeacherStatistic> { terms.reduce(into: []) { $0.formUnion($1.statistics) } }
    return TeacherNeeds(
      own: needed(terms.filter { !$0.seesWholeBatch }), whole: needed(terms.filter(\.seesWholeBatch)), group: group)
  }

  /// What all terms together need of the student.
  public var request: ActivationRequest { terms.reduce(ActivationRequest()) { $0.union($1.loss.request) } }

  /// What the losses train or keep beside the student, by the term's id.
  public var modules: [(id: String, module: Module)] {
    terms.compactMap { term in term.loss.module.map { (term.id, $0) } }
  }

  /// The network that is trained and kept, see `DistillationLoss.student`.
  public func student(_ network: Network) -> Network { terms.reduce(network) { $1.loss.student($0) } }

  /// Sets the weight that was found for a term, which must be one of this objective's.
  public mutating func setWeight(_ weight: Double, of id: String) {
    guard let index = terms.firstIndex(where: { $0.id == id }) else { fatalError("there is no term '\(id)'") }
    terms[index].weight = weight
  }

  /// - Throws: `UnweightedTerm` where a weight is still to be found.
  func requireWeights() throws {
    if let term = terms.first(where: { $0.weight == nil }) { throw UnweightedTerm(id: term.id) }
  }

  /// The batch with what the losses prepare for it, on its device.
  public func prepare(_ batch: Batch, seed: UInt64) -> Batch {
    var batch = batch
    for term in terms {
      for (key, tensor) in term.loss.prepare(term.seesWholeBatch ? batch.whole : batch, seed: seed) {
        batch.extras["\(term.id).\(key)"] = tensor.to(device: batch.student.device)
      }
      // A tensor, so that a step that is captured once goes on with each epoch's.
      if let factor = term.factor(epoch: batch.position.epoch) {
        batch.extras["\(term.id).\(Objective.factorKey)"] = Tensor.full([], factor, device: batch.student.device)
      }
    }
    return batch
  }

  private static let factorKey = "factor"

  /// Every term's weight must be known, and the batch prepared.
  public func callAsFunction(_ step: Step) -> Value { value(of: step, whole: step) }

  /// The same of a rank's rows of a batch: each value is such that the mean over all ranks is that of the whole batch, and
  /// gradients averaged over them are its gradients.
  /// - Throws: `ProcessGroupError`.
  public func callAsFunction(_ step: Step, in group: ProcessGroup) throws -> Value {
    value(of: step, whole: try step.whole(for: terms, in: group))
  }

  private func value(of step: Step, whole: Step) -> Value {
    var sum: Tensor?
    var values: [(String, Tensor)] = []
    for term in terms {
      guard let weight = term.weight else { fatalError(UnweightedTerm(id: term.id).description) }
      let value = term.value(of: step, whole: whole)
      let factor = step.batch.extras["\(term.id).\(Objective.factorKey)"]
      let weighted = (factor.map { value * $0 } ?? value) * weight
      sum = sum.map { $0 + weighted } ?? weighted
      values.append((term.id, value))
    }
    guard let sum else { preconditionFailure("an objective has a term") }
    return Value(total: sum, terms: values)
  }
}

extension [Objective.Term] {
  /// Their ids, to be read.
  package var names: String {
    map { $0.id == Objective.crossEntropyID ? "cross-entropy" : $0.id }.joined(separator: " and ")
  }
}

extension Objective.Term {
  /// The loss of a step, of a rank's rows so that the mean over all ranks is that of the whole batch.
  func value(of step: Step, whole: Step) -> Tensor {
    // What all ranks compute alike of all rows is synchronised already.
    guard !seesWholeBatch else { return SynchronizedBatchNorm.in(nil) { loss(whole.of(self)) } }
    let value = loss(step.of(self))
    guard let part = step.batch.part else { return value }
    return value * part.share(of: loss.reduction)
  }
}

extension Batch.Part {
  /// What the mean over a rank's inputs is multiplied by, so that the mean over ranks is that over all inputs.
  fileprivate func share(of reduction: BatchReduction) -> Double {
    let ranks = Double(rank.count)
    guard reduction == .labelledInputs else { return Double(rank.rows(of: count).count) * ranks / Double(count) }
    return Double(labelled.own) * ranks / Double(max(labelled.whole, 1))
  }
}

extension Step {
  /// The step as one term sees it: of what was prepared and of what teachers gave, only what is its own.
  func of(_ term: Objective.Term) -> Step {
    var batch = batch
    batch.extras = batch.extras.entries(under: term.id)
    return Step(student: student, teacher: teacher.of(teacher: term.teacher), batch: batch)
  }

  /// The step of all ranks' inputs, as far as terms look at these.
  /// - Throws: `ProcessGroupError`.
  func whole(for terms: [Objective.Term], in group: ProcessGroup) throws -> Step {
    guard group.isShared else { return self }
    let request = terms.filter(\.seesWholeBatch).reduce(ActivationRequest()) { $0.union($1.loss.request) }
    var whole = batch.whole
    whole.extras = batch.extras
    let student = try student.only(request).gathered(in: group, of: whole.count)
    return Step(student: student, teacher: teacher.whole, batch: whole)
  }
}

extension [String: Tensor] {
  /// The entries whose names begin with a prefix and a dot, without it.
  package func entries(under prefix: String) -> [String: Tensor] {
    reduce(into: [:]) { entries, entry in
      if entry.key.hasPrefix(prefix + ".") { entries[String(entry.key.dropFirst(prefix.count + 1))] = entry.value }
    }
  }
}

/// A term whose weight is still to be found: a run with it would be one without it.
public struct UnweightedTerm: Error, CustomStringConvertible, Sendable {
  /// The term's id.
  public let id: String

  public var description: String { "'\(id)' has no weight yet: calibrate it, or give a number" }
}
