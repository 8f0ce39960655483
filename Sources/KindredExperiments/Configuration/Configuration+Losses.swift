/// The losses of a run: cross-entropy, and methods of distillation with their weights.

import Kindred

extension Configuration {
  /// The terms of the loss.
  package struct Losses: Sendable, Equatable {
    /// The weight of cross-entropy, before what methods make of it: with `kd` it is multiplied by `1 - alpha`.
    package var crossEntropy: Double
    /// The share of cross-entropy's targets that all classes have in equal parts.
    package var labelSmoothing: Double
    /// In the order of an objective: that of the catalogue.
    package private(set) var terms: [Term]

    package init(crossEntropy: Double = 1, labelSmoothing: Double = 0, terms: [Term] = []) {
      self.crossEntropy = crossEntropy
      self.labelSmoothing = labelSmoothing
      self.terms = terms.sorted { $0.rank < $1.rank }
    }

    /// The term of that id.
    package subscript(id: String) -> Term? {
      get { terms.first { $0.id == id } }
      set {
        let others = terms.filter { $0.id != id }
        self = Losses(
          crossEntropy: crossEntropy, labelSmoothing: labelSmoothing, terms: others + [newValue].compactMap(\.self))
      }
    }
  }

  /// A method of distillation and its weight.
  package struct Term: Sendable, Equatable {
    /// Its key in the configuration: the method's name, unless there are several terms of one method.
    package let id: String
    package var method: any Method
    /// Where the method has no weight of its own.
    package var weight: Weight
    /// The epochs over which the weight rises linearly, from 1/n of it in the first of n.
    package var warmUpEpochs: Int
    /// Which of several teachers it learns from, counted from 1; nil for the mean of all.
    package var teacher: Int?
    /// Whose inputs a loss of relations relates where several processes share a batch.
    package var scope = Objective.Term.Scope.global

    /// A term with the method's usual weight and its name as id, unless others are given.
    package init(_ method: any Method, weight: Weight? = nil, id: String? = nil) {
      self.id = id ?? method.name
      self.method = method
      self.weight = weight ?? Weight(usual: type(of: method).card)
      warmUpEpochs = type(of: method).card.warmUpEpochs
    }

    /// What every term has beside its weight and its method's own settings.
    package static let settings: [Setting<Term>] = [
      .wholeNumber("warm_up_epochs", \.warmUpEpochs, in: 0...Int.max, "the epochs over which the weight rises"),
      .wholeNumber("teacher", \.teacher, in: 1...100, "which of several teachers; the mean of all without it"),
      .choice(
        "scope", \.scope,
        "of several processes, whether a loss of relations sees the inputs of all or of each process alone"),
    ]

    package static func == (one: Term, other: Term) -> Bool {
      one.id == other.id && one.method.isEqual(to: other.method) && one.weight == other.weight
        && one.warmUpEpochs == other.warmUpEpochs && one.teacher == other.teacher && one.scope == other.scope
    }

    /// The number in use, nil while it still has to be found.
    package var value: Double? { method.ownWeight ?? weight.value }

    /// The key of its weight.
    var weightKey: String { (method.ownWeight == nil ? nil : type(of: method).ownWeightKey) ?? "weight" }

    /// Its method's place in the catalogue.
    fileprivate var rank: Int { Methods.all.firstIndex { $0.card.name == method.name } ?? Methods.all.count }
  }

  /// The factor of a loss term.
  package enum Weight: Sendable, Equatable {
    case fixed(Double)
    /// `weight: auto`. Once found, the number is written in its place and used as it is by whoever reads it back.
    case automatic(Calibration, found: Double? = nil)

    init(usual card: MethodCard) { self = card.weight.map { .fixed($0) } ?? .automatic(Calibration()) }

    /// The number, nil while it still has to be found.
    package var value: Double? {
      switch self {
      case .fixed(let value): value
      case .automatic(_, let found): found
      }
    }
  }

  /// How a weight is found: on the first batches, the term's gradient at the student's activation is made `fraction`
  /// times as large as that of the losses of logits, see `Objective.lossesOfLogits`.
  package struct Calibration: Sendable, Equatable {
    package var fraction: Double
    package var batches: Int

    package init(fraction: Double = 0.5, batches: Int = 8) {
      self.fraction = fraction
      self.batches = batches
    }
  }
}

extension Configuration.Losses {
  /// The key of `labelSmoothing`.
  static let labelSmoothingKey = "label_smoothing"

  /// The weight of cross-entropy beside the methods.
  package var crossEntropyWeight: Double { terms.reduce(crossEntropy) { $0 * $1.method.crossEntropyFactor } }

  /// The terms whose weight is still to be found.
  var uncalibrated: [(id: String, calibration: Configuration.Calibration)] {
    terms.compactMap { term in
      guard term.method.ownWeight == nil, case .automatic(let calibration, nil) = term.weight else { return nil }
      return (term.id, calibration)
    }
  }

  /// The weights in use, by term.
  var weights: [String: Double] {
    var weights = [Objective.crossEntropyID: crossEntropyWeight]
    for term in terms { weights[term.id] = term.value }
    return weights
  }

  /// Sets the weight that calibration found for a term.
  mutating func setFound(_ weight: Double, for id: String) {
    guard let index = terms.firstIndex(where: { $0.id == id }),
      case .automatic(let calibration, _) = terms[index].weight
    else { preconditionFailure("\(id) has no weight to be found") }
    terms[index].weight = .automatic(calibration, found: weight)
  }

  /// Takes out all terms but those.
  /// - Throws: `RunError` for an id that no term has, or where none would be left.
  package mutating func keep(_ ids: [String]) throws {
    let known = terms.map(\.id)
    if let unknown = ids.first(where: { !known.contains($0) }) {
      throw RunError("there is no loss '\(unknown)'; there are \(known.joined(separator: ", "))")
    }
    guard !ids.isEmpty else { throw RunError("no loss is named; there are \(known.joined(separator: ", "))") }
    self = Self(crossEntropy: crossEntropy, labelSmoothing: labelSmoothing, terms: terms.filter { ids.contains($0.id) })
  }

  /// The weights that calibration has found, by term.
  var foundWeights: [String: Double] {
    terms.reduce(into: [:]) { weights, term in
      if case .automatic(_, let found?) = term.weight { weights[term.id] = found }
    }
  }

  /// Takes over the weights that calibration found for equal losses.
  mutating func takeFoundWeights(_ weights: [String: Double]) {
    for (id, weight) in weights { setFound(weight, for: id) }
  }

  /// Forgets what calibration found.
  mutating func forgetFoundWeights() {
    for index in terms.indices {
      if case .automatic(let calibration, _) = terms[index].weight { terms[index].weight = .automatic(calibration) }
    }
  }
}
