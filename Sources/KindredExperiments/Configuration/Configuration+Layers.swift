/// The layers that methods compare where a file names none: they follow from both networks, of which one may be in a file that
/// is not opened when the configuration is read.

import Foundation
import Kindred
import KindredVision

extension Configuration {
  /// Names the layers of methods that name none, where both networks are known without opening files.
  ///
  /// What these networks do not go with stays as it is, for `check` to refuse.
  mutating func resolveKnownLayers() {
    guard let network = teacher?.network else { return }
    try? resolveLayers(teacher: network.description(classes: data.classCount, image: data.teacherShape))
  }

  /// Names the layers of methods that name none: the usual ones of the student and of a teacher.
  /// - Throws: `ConfigurationError` where the networks do not tell which they are.
  package mutating func resolveLayers(teacher: NetworkDescription) throws {
    guard losses.haveUsualLayers else { return }
    try losses.resolveLayers(student: try studentDescription, teacher: teacher)
  }

  /// The same with the layers of all methods by name, as far as the teacher's files are there to tell.
  /// - Parameter runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  package func resolvingLayers(runs: URL) -> Configuration {
    guard losses.haveUsualLayers, let teacher else { return self }
    var resolved = self
    guard let source = try? TeacherSource(teacher, for: self, runs: runs),
      (try? resolved.resolveLayers(teacher: source.description)) != nil
    else { return self }
    return resolved
  }

  /// The same with the layers by name, to be compared with another run. Where the teacher is gone, the other's are taken if
  /// a teacher of some number of stages has them as the usual ones.
  func resolvingLayers(like other: Configuration, runs: URL) -> Configuration {
    guard losses.haveUsualLayers else { return self }
    var resolved = resolvingLayers(runs: runs)
    if let student = try? resolved.studentDescription {
      resolved.losses.takeLayers(from: other.losses, student: student)
    }
    return resolved
  }
}

extension Configuration.Losses {
  /// Whether some method has the layers that are usual for its networks.
  fileprivate var haveUsualLayers: Bool { terms.contains { $0.method.hasUsualLayers } }

  fileprivate mutating func resolveLayers(student: NetworkDescription, teacher: NetworkDescription) throws {
    try changeMethods { term in
      try term.refused { try $0.resolved(student: student, teacher: teacher.teacher(term.teacher)) }
    }
  }

  fileprivate mutating func takeLayers(from other: Configuration.Losses, student: NetworkDescription) {
    changeMethods { term in
      guard let theirs = other[term.id]?.method.layers,
        let resolved = try? term.method.resolved(student: student, teacher: NetworkDescription(namedBy: theirs))
      else { return term.method }
      return resolved.layers == theirs ? resolved : term.method
    }
  }

  private mutating func changeMethods(_ change: (Configuration.Term) throws -> any Method) rethrows {
    let changed = try terms.map { term in
      var term = term
      term.method = try change(term)
      return term
    }
    self = Self(crossEntropy: crossEntropy, labelSmoothing: labelSmoothing, terms: changed)
  }
}

extension NetworkDescription {
  /// A teacher of as many stages as layers name of it.
  fileprivate init(namedBy layers: [LayerPair]) {
    let numbers = layers.compactMap { $0.teacher.wholeMatch(of: /stage([0-9]{1,3})(\.pre)?/).flatMap { Int($0.1) } }
    let stages = (1...max(numbers.max() ?? 1, 1)).map { "stage\($0)" }
    self.init(name: "", classes: nil, taps: Dictionary(uniqueKeysWithValues: stages.map { ($0, []) }))
  }
}
