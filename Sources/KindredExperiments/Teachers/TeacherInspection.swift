// What can be known of a configuration's networks from its files, before anything runs.

import Foundation
import Kindred
import KindredVision

/// A configuration's teacher as its files say.
package struct TeacherInspection {
  package let description: NetworkDescription
  /// What it costs; nil where it is no network that Kindred runs.
  package let cost: NetworkCost?
  /// Why its files do not say it, where they are not there yet: what is known then is what the configuration says.
  package let absence: String?

  /// nil for a configuration without a teacher.
  /// - Parameter runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  /// - Throws: `RunError`, `RecordingError`, `TensorFileError` or `ConfigurationError` for a file that is damaged, or not what
  ///   the configuration and its losses want.
  package init?(_ settings: Configuration, runs: URL) throws {
    guard let teacher = settings.teacher else { return nil }
    let image = settings.data.teacherInputShape
    if let (description, absence) = try TeacherInspection.absent(teacher, settings, runs: runs) {
      (self.description, self.absence) = (description, absence)
      cost = description.classes.flatMap { teacher.network?.facts(image: image).cost(classes: $0) }
    } else {
      let source = try TeacherSource(teacher, for: settings, runs: runs)
      (description, cost, absence) = (source.description, source.cost(image: image), nil)
    }
  }

  private static func absent(
    _ teacher: Configuration.Teacher, _ settings: Configuration, runs: URL
  ) throws -> (NetworkDescription, String)? {
    let image = settings.data.teacherShape
    switch teacher.source {
    case .weights(let network, let file) where WeightsFile.location(file.url) == nil:
      let name = file.url.displayName
      return (network.description(classes: nil, image: image), "there is no file or finished run \(name)")
    case .configuration(let network, let made) where ConfigurationFile.problem(opening: made.file.url) == nil:
      let run = try settings.teacherRun(made)
      let folder = TeacherWeights.folder(of: run, in: runs)
      guard WeightsFile.location(folder.url) == nil else { return nil }
      let classes = run.data.classCount
      return (network.description(classes: classes, image: image), "there is no finished run in \(folder.name)")
    case .several(let teachers):
      let known = try teachers.map { try absent($0, settings, runs: runs) }
      guard let absence = known.lazy.compactMap({ $0?.1 }).first else { return nil }
      let descriptions = try zip(teachers, known).map { teacher, absent in
        try absent?.0 ?? TeacherSource(opening: teacher, for: settings, runs: runs).description
      }
      return (NetworkDescription(descriptions), absence)
    default: return nil
    }
  }
}

extension Configuration {
  /// Refuses weights to start from that are not the student's, by their file's header alone.
  /// - Throws: `RunError`, `TensorFileError`.
  package func checkStart() throws {
    guard let place = student.weights?.url, let network = student.network.architecture else { return }
    let file: WeightsFile
    do {
      file = try WeightsFile(place)
    } catch let error as RunError {
      throw RunError("student.weights: \(error)")
    }
    let ends = try file.ends(of: network)
    let (channels, classes) = (data.imageShape.channels, data.classCount)
    guard ends.inputChannels == channels, student.classifier == .fresh || ends.classes == classes else {
      let advice = ends.inputChannels == channels ? "; for another classifier say student.classifier: fresh" : ""
      throw RunError(
        "student.weights: \(file.name) is for \(ends.inputChannels) channels and "
          + "\(ends.classes) classes, but \(data.name) has \(channels) and \(classes)\(advice)")
    }
  }
}
