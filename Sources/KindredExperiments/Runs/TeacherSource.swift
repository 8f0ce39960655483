// Where a run's teacher comes from: found and checked first, made into a signal when the run begins.

import Foundation
import Kindred
import KindredVision
import Torch

/// A teacher that fits its run, of which nothing but headers has been read yet.
enum TeacherSource {
  case network(TeacherWeights)

  /// - Parameter runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  /// - Throws: `RunError`, `SafetensorsError` or `ConfigurationError`: no teacher yet, a damaged file, one that does not
  ///   give what the losses compare.
  init(_ teacher: Configuration.Teacher, for settings: Configuration, runs: URL) throws {
    switch teacher.source {
    case .weights(let network, let file): self = .network(try TeacherWeights(network, weights: file, for: settings))
    case .configuration(let network, let file):
      self = .network(try TeacherWeights(network, configuration: file, runs: runs, for: settings))
    case .recording, .exported: throw RunError("teacher: only networks of Kindred's own can teach so far")
    }
    try settings.check(teacher: description)
  }

  var description: TeacherDescription {
    switch self {
    case .network(let weights): weights.description
    }
  }

  /// The teacher at work.
  /// - Throws: as loading its files does.
  func signal(needs: Set<TeacherNeed>, device: Device) throws -> any TeacherSignal {
    switch self {
    case .network(let weights):
      let network = try weights.network()
      network.move(to: device)
      return LiveTeacher(network, needs: needs)
    }
  }
}
