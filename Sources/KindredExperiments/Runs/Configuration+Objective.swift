// From a configuration's losses to the objective that a run minimises.

import Kindred
import KindredVision
import Torch

extension Configuration {
  /// The objective. Weights that are still to be found are nil in it.
  /// - Parameters:
  ///   - teacher: what the teacher gives; nil without one.
  ///   - samples: what the run trains on; nil where only shapes are looked at.
  ///   - classifier: the teacher's, where it is known.
  ///   - normalizations: the teacher's batch norms before ReLUs, where they are known.
  ///   - generator: initialises what the methods train themselves.
  /// - Throws: `ConfigurationError` for a method that these networks do not go with.
  func objective(
    teacher: NetworkDescription?, samples: LossSetup.Samples? = nil, classifier: TeacherClassifier? = nil,
    normalizations: [String: TapNormalization]? = nil, _ generator: Generator
  ) throws -> Objective {
    var terms: [Objective.Term] = []
    if data.isLabelled(.train) != false {
      terms.append(.crossEntropy(weight: losses.crossEntropyWeight, labelSmoothing: losses.labelSmoothing))
    }
    guard let teacher else { return Objective(terms) }
    let setup = LossSetup(
      student: try studentDescription, teacher: teacher, samples: samples, classifier: classifier,
      normalizations: normalizations, generator: generator)
    for term in losses.terms {
      var setup = setup
      setup.teacher = teacher.teacher(term.teacher)
      terms.append(
        .init(
          term.id, try term.refused { try $0.loss(for: setup) }, weight: term.value,
          warmUpEpochs: term.warmUpEpochs, teacher: term.teacher, scope: term.scope))
    }
    return Objective(terms)
  }

  /// What the student costs after training, with what methods make a part of it.
  /// - Parameter teacher: what the teacher gives; nil without one.
  /// - Throws: `ConfigurationError` for a method that these networks do not go with.
  package func studentCost(teacher: NetworkDescription?) throws -> NetworkCost {
    var cost = try studentFacts.cost(classes: data.classCount)
    guard let teacher else { return cost }
    let setup = LossSetup(student: try studentDescription, teacher: teacher, generator: Generator(seed: 0))
    for term in losses.terms {
      guard let added = try term.refused({ try $0.addedCost(for: setup) }) else { continue }
      cost.parameters += added.parameters
      cost.multiplyAdds += added.multiplyAdds
    }
    return cost
  }
}

extension Configuration.Term {
  /// Names the term and the key of what its method refuses.
  func refused<Result>(_ body: (any Method) throws -> Result) throws -> Result {
    do {
      return try body(method)
    } catch let error as MethodError {
      let key = "losses.\(id)" + (error.key.map { ".\($0)" } ?? "")
      throw ConfigurationError(key: key, message: error.problem)
    }
  }
}
