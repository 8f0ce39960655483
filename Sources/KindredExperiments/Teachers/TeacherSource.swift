// Where a run's teacher comes from: found and checked first, made into a signal when the run begins.

import Foundation
import Kindred
import KindredVision
import Torch

/// A teacher that fits its run, of which nothing but headers has been read yet.
enum TeacherSource {
  case network(TeacherWeights)
  case recording(Recording)
  /// Its file is read already: what it gives shows only when it runs.
  case exported(ExportedNetwork, Configuration.Exported)
  /// Its file is read already.
  case onnx(ONNXTeacher)
  case several([TeacherSource])

  /// - Parameter runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  /// - Throws: `RunError`, `RecordingError`, `TensorFileError` or `ConfigurationError`: no teacher yet, a damaged file, one
  ///   that does not give what the losses compare.
  init(_ teacher: Configuration.Teacher, for settings: Configuration, runs: URL) throws {
    self = try TeacherSource(opening: teacher, for: settings, runs: runs)
    try settings.check(teacher: description)
    try checkClassifier(for: settings)
    try checkNormalizations(for: settings)
    if case .recording(let recording) = self {
      try recording.require(settings.objective(teacher: description, Generator(seed: 0)).statistics)
    }
  }

  /// A teacher of which it is not known yet whether it gives what the losses compare.
  init(opening teacher: Configuration.Teacher, for settings: Configuration, runs: URL) throws {
    switch teacher.source {
    case .weights(let network, let file):
      self = .network(try TeacherWeights(network, weights: file.url, for: settings))
    case .configuration(let network, let run):
      self = .network(try TeacherWeights(network, madeBy: run, runs: runs, for: settings))
    case .recording(let folder):
      let recording = try Recording(folder.url)
      try settings.check(recording)
      self = .recording(recording)
    case .exported(let exported): self = .exported(try ExportedNetwork(exported, for: settings), exported)
    case .onnx(let source): self = .onnx(try ONNXTeacher(source, for: settings))
    case .several(let teachers):
      self = .several(try teachers.map { try TeacherSource(opening: $0, for: settings, runs: runs) })
    }
  }

  private func checkClassifier(for settings: Configuration) throws {
    guard let term = settings.losses.terms.first(where: { type(of: $0.method).needsClassifier }) else { return }
    let reason: String
    switch self {
    case .network: return
    case .onnx(let teacher):
      if teacher.network.classifier != nil { return }
      reason = "and this file's logits do not come of one linear layer"
    case .recording(let recording):
      if recording.hasClassifier { return }
      reason = "and this recording was made without it; record again for \(term.method.name)"
    case .several: reason = "and there are several teachers; leave one"
    case .exported: reason = "which an exported file does not show; use a teacher of Kindred's own networks"
    }
    throw ConfigurationError(key: "losses.\(term.id)", message: "needs the teacher's classifier, \(reason)")
  }

  private func checkNormalizations(for settings: Configuration) throws {
    switch self {
    case .network, .onnx: return
    case .recording, .exported, .several: break
    }
    guard let term = settings.losses.terms.first(where: { type(of: $0.method).needsNormalizations }) else { return }
    throw ConfigurationError(
      key: "losses.\(term.id)",
      message:
        "needs the teacher's batch norms, which recordings, exported files and several teachers do not show; use "
        + "one teacher of Kindred's own networks")
  }

  /// What to call it where it is to blame.
  var place: String {
    switch self {
    case .network(let weights): weights.file.name
    case .recording(let recording): recording.folder.displayName
    case .exported(_, let exported): exported.file.url.displayName
    case .onnx(let teacher): teacher.source.file.url.displayName
    case .several(let teachers): teachers.map(\.place).joined(separator: " + ")
    }
  }

  /// What was done to its file so that it fits; nil for nothing.
  var remark: String? {
    switch self {
    case .network(let weights): return weights.file.remark
    case .several(let teachers):
      let remarks = teachers.compactMap(\.remark)
      return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
    case .recording, .exported, .onnx: return nil
    }
  }

  var description: NetworkDescription {
    switch self {
    case .network(let weights): weights.description
    case .recording(let recording): recording.header.teacher
    case .exported(let network, _): network.description
    case .onnx(let teacher): teacher.description
    case .several(let teachers): NetworkDescription(teachers.map(\.description))
    }
  }

  /// What the teacher costs for images of a shape; nil where it is not a network that we run.
  func cost(image: [Int]) -> NetworkCost? {
    switch self {
    case .network(let weights):
      description.classes.map { weights.architecture.facts(image: image).cost(classes: $0) }
    case .onnx(let teacher): teacher.cost
    case .recording, .exported, .several: nil
    }
  }

  /// The teacher's last, linear layer; nil where it is not known.
  /// - Throws: as loading its files does.
  func classifier() throws -> TeacherClassifier? {
    switch self {
    case .network(let weights): try weights.network().classifier.map { TeacherClassifier($0) }
    case .recording(let recording): try recording.classifier()
    case .exported, .several: nil
    case .onnx(let teacher): teacher.network.classifier.map { TeacherClassifier($0) }
    }
  }

  /// The teacher's batch norms before ReLUs; nil where they are not known.
  /// - Throws: as loading its files does.
  func normalizations(of inputShape: [Int]) throws -> [String: TapNormalization]? {
    switch self {
    case .network(let weights): try weights.network().normalizations(of: inputShape)
    case .onnx(let teacher): teacher.network.normalizations(of: inputShape)
    case .recording, .exported, .several: nil
    }
  }

  /// The teacher at work, a network of ours in int8 or in the precision of training.
  /// - Parameters:
  ///   - training: the images that the run trains on.
  ///   - evaluation: the images that the cost of an int8 teacher is measured on.
  ///   - onCost: is told that cost.
  /// - Throws: as loading its files does; `RunError` for a recording that was made with other images or an int8 teacher
  ///   that costs too much; whatever `onCost` throws.
  func signal(
    _ needs: TeacherNeeds, _ settings: Configuration, training: ImageSet,
    evaluation: @autoclosure () throws -> ImageSet, onCost: (QuantizationCost) throws -> Void
  ) throws -> any TeacherSignal {
    switch self {
    case .network(let weights):
      return try signal(of: weights.network(), needs, settings, training, try evaluation(), onCost)
    case .onnx(let teacher):
      return try signal(
        of: teacher.network(taking: training), needs, settings, training, try evaluation(), onCost)
    case .recording(let recording):
      try settings.check(recording, images: training)
      return try RecordedTeacher(
        recording, needs: needs, planEpochs: settings.training.planEpochs, device: settings.device)
    case .exported(let network, _): return ExportedTeacher(network, needs: needs)
    case .several(let teachers):
      let each = settings.forEachTeacher
      return SeveralTeachers(
        needs,
        try teachers.indices.map { index in
          try teachers[index].signal(
            needs.needed(of: index + 1), each[index], training: training, evaluation: try evaluation(),
            onCost: onCost)
        })
    }
  }

  private func signal(
    of network: Network, _ needs: TeacherNeeds, _ settings: Configuration, _ training: ImageSet,
    _ evaluation: @autoclosure () throws -> ImageSet, _ onCost: (QuantizationCost) throws -> Void
  ) throws -> any TeacherSignal {
    network.move(to: settings.device)
    guard settings.teacher?.precision == .int8 else {
      return LiveTeacher(network, needs: needs, precision: settings.training.precision)
    }
    let teacher = QuantizedTeacher(
      network: network, needs: needs,
      hasTheirClasses: description.classes == settings.data.classCount && settings.data.areMeasured)
    return try teacher.signal(settings, training: training, evaluation: evaluation(), onCost: onCost)
  }

  /// What its signal depends on beside the batches.
  func facts(_ settings: Configuration) throws -> [RecordingHeader.Fact] {
    let precision = RecordingHeader.Fact("teacher's precision", settings.teacherPrecision)
    switch self {
    case .network(let weights):
      return [
        .init("teacher's weights \(RecordingHeader.fileFact)", try Digest.sha256.hex(of: weights.file.url)), precision,
      ]
    case .recording(let recording): return recording.header.teacherFacts
    case .exported(_, let exported): return try exported.facts()
    case .onnx(let teacher): return try teacher.facts() + [precision]
    case .several(let teachers):
      return try zip(teachers, settings.forEachTeacher).enumerated().flatMap { index, one in
        try one.0.facts(one.1).map { RecordingHeader.Fact("teacher \(index + 1): \($0.name)", $0.value) }
      }
    }
  }
}

extension Configuration.Losses {
  /// Whether some method needs the teacher's classifier.
  var needClassifier: Bool { terms.contains { type(of: $0.method).needsClassifier } }

  /// Whether some method needs the teacher's batch norms.
  var needNormalizations: Bool { terms.contains { type(of: $0.method).needsNormalizations } }
}

extension Configuration {
  /// These settings with each of several teachers as the only one.
  fileprivate var forEachTeacher: [Configuration] {
    (teacher?.all ?? []).map {
      var own = self
      own.teacher = $0
      return own
    }
  }

  /// What a network of ours computes in as a teacher, and for int8 what its steps were found from.
  fileprivate var teacherPrecision: String {
    guard let teacher, teacher.precision == .int8 else { return training.precision.rawValue }
    return "int8, calibrated on \(teacher.quantization.calibrationBatches) batches"
  }
}
