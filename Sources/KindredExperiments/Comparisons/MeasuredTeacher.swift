// Teachers that no run of a comparison makes, measured on the images that the students are measured on.

import Files
import Foundation
import Kindred
import KindredReport
import KindredVision
import Torch

/// A teacher that is given as weights or a file, and what it comes to.
struct MeasuredTeacher: Codable, Equatable {
  /// What tells it and its images from others.
  let key: String
  /// SHA-256 of its file.
  let digest: String
  let name: String
  /// nil where it is for other classes.
  let accuracyPercent: Double?
  let images: Int
  /// nil where it is no network that Kindred runs, as the next one.
  let parameters: Int?
  let multiplyAdds: Int?

  /// - Parameter settings: of a run with this teacher alone.
  /// - Throws: as loading the teacher and the images does.
  init(of settings: Configuration, _ teacher: Configuration.Teacher, digest: String, runs: URL, library: ImageLibrary)
    throws
  {
    let source = try TeacherSource(opening: teacher, for: settings, runs: runs)
    (key, self.digest, name) = (settings.teacherKey, digest, source.description.name)
    let cost = source.cost(image: settings.data.teacherInputShape)
    (parameters, multiplyAdds) = (cost?.parameters, cost?.multiplyAdds)
    guard settings.data.areMeasured, source.description.classes == settings.data.classCount else {
      (accuracyPercent, images) = (nil, 0)
      return
    }
    let evaluation = try source.evaluation(settings, library)
    (accuracyPercent, images) = (Percent.of(evaluation.accuracy), evaluation.count)
  }
}

extension TeacherSource {
  /// The accuracy of what teaches: in int8 where the teacher works in it.
  fileprivate func evaluation(_ settings: Configuration, _ library: ImageLibrary) throws -> Evaluation {
    let images = try library.teacherEvaluation(settings.data)
    let signal = try signal(
      TeacherNeeds([.logits]), settings, training: try library.teacherTraining(settings.data), evaluation: images,
      onCost: { _ in })
    let size = settings.training.batchSize
    var batches = EvaluationImages(images, batchSize: size, device: settings.device).batches()
    let tally = EvaluationTally(classCount: settings.data.classCount, device: settings.device)
    try withoutGradients {
      while let batch = try batches.next() {
        // Exported networks may take batches of the run's size alone.
        let logits = try signal.output(for: batch.filled(to: size))[.logits].narrowed(0, 0..<batch.count)
        tally.add(logits: logits.to(.float32), labels: batch.requiredLabels())
      }
    }
    return try tally.evaluation()
  }
}

extension Batch {
  /// The same with its first input again and again behind the others, without labels.
  fileprivate func filled(to size: Int) -> Batch {
    guard count < size else { return self }
    let filling = [Tensor](repeating: teacher.narrowed(0, 0..<1), count: size - count)
    return Batch(.concatenated([teacher] + filling), labels: nil, position: position)
  }
}

extension Configuration {
  /// What tells its only teacher and the images that it is measured on from others.
  fileprivate var teacherKey: String {
    guard let teacher else { return "" }
    let place =
      switch teacher.source {
      case .weights(let network, let file): "\(network) \(file.url.path)"
      case .onnx(let source): "\(source.file.url.path) \(source.input?.rawValue ?? "")"
      case .exported(let exported): "\(exported.file.url.path) \(exported.outputs["logits"]?.description ?? "")"
      case .configuration, .recording, .several: ""
      }
    return "\(place) \(teacher.precision.rawValue) \(data.name) \(data.evaluateOn.rawValue) "
      + "\(evaluationImageCount) \(data.split ?? 0) \(data.teacherInputShape)"
  }

  /// These settings with each teacher that is given as weights or a file as the only one.
  fileprivate var withEachGivenTeacher: [Configuration] {
    (teacher?.all ?? []).compactMap { teacher in
      switch teacher.source {
      case .weights, .onnx, .exported: break
      case .configuration, .recording, .several: return nil
      }
      var own = self
      own.teacher = teacher
      return own
    }
  }
}

extension Comparison {
  private var measuredTeachersFile: URL { runs.appending(path: "teachers.json") }

  /// What is kept of measured teachers.
  private var measuredTeachers: [MeasuredTeacher] {
    guard let data = try? RunFolder(runs).read(measuredTeachersFile) else { return [] }
    return (try? JSONDecoder().decode([MeasuredTeacher].self, from: data)) ?? []
  }

  /// A run with each given teacher and each part of the images, each once.
  private var givenTeachers: [Configuration] {
    jobs.flatMap(\.settings.withEachGivenTeacher).reduce(into: []) { known, settings in
      if !known.contains(where: { $0.teacherKey == settings.teacherKey }) { known.append(settings) }
    }
  }

  private func kept(_ settings: Configuration, _ all: [MeasuredTeacher]) throws -> MeasuredTeacher? {
    let digest = try settings.fileContent(runs: runs)[.teacher]
    return all.last { $0.key == settings.teacherKey && (digest == nil || $0.digest == digest) }
  }

  /// Measures given teachers that were not measured before. What cannot be measured is a remark: a run that wants it says so.
  func measureTeachers(_ onEvent: (Event) throws -> Void) throws {
    let settings = givenTeachers
    guard !settings.isEmpty else { return }
    var said: [MeasuredTeacher] = []
    try group.firstDoes {
      for settings in settings where try kept(settings, measuredTeachers) == nil {
        guard let teacher = settings.teacher, let digest = try settings.fileContent(runs: runs)[.teacher] else {
          continue
        }
        do {
          let measured = try withTorchErrors {
            try MeasuredTeacher(of: settings, teacher, digest: digest, runs: runs, library: library)
          }
          try RunFolder(runs).create()
          let all = measuredTeachers.filter { $0.key != measured.key } + [measured]
          try RunFolder(runs).write(try JSONEncoder().encode(all) + Data("\n".utf8), to: measuredTeachersFile)
          said.append(measured)
        } catch {
          unmeasuredTeachers.append("A teacher could not be measured: \(error).")
        }
      }
    }
    for one in said {
      guard let accuracy = one.accuracyPercent else { continue }
      try onEvent(.measured(teacher: one.name, accuracy: accuracy, images: one.images))
    }
  }

  /// Rows of the teachers that are given, with an accuracy for each split of the images.
  var givenTeacherRows: [ComparisonRow] {
    get throws {
      let all = measuredTeachers
      var rows: [(teacher: Configuration.Teacher, measured: [MeasuredTeacher])] = []
      for settings in givenTeachers {
        guard let teacher = settings.teacher, let measured = try kept(settings, all) else { continue }
        if let index = rows.firstIndex(where: { $0.teacher == teacher }) {
          rows[index].measured.append(measured)
        } else {
          rows.append((teacher, [measured]))
        }
      }
      return rows.map { teacher, measured in
        let first = measured[0]
        return ComparisonRow(
          method: teacher.precision == .int8 ? "\(first.name) (int8)" : first.name, role: .teacher,
          accuracies: measured.compactMap(\.accuracyPercent), parameters: first.parameters,
          multiplyAdds: first.multiplyAdds, note: first.accuracyPercent == nil ? "for other classes" : nil)
      }
    }
  }

  /// Which teachers the table is without, and why.
  var teacherRemarks: [String] {
    let recordings = compared.compactMap { $0.settings.teacher }.filter(\.readsRecording)
    return unmeasuredTeachers
      + (recordings.isEmpty
        ? [] : ["Recorded teachers have no row: a recording cannot be asked about the images that were measured on."])
  }
}
