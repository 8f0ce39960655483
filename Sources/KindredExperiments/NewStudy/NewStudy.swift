// A study that does not exist yet, from as little as a folder of images: what is chosen, and the files that say it.

import Files
import Foundation
import Graph
import Kindred
import KindredReport
import KindredVision
import Torch

/// What `kindred init` writes: a study of a plain student and distilled ones, and the teacher's configuration where it is to be
/// trained.
package struct NewStudy {
  /// What is known before anything is chosen.
  package struct Wishes: Sendable {
    /// A folder or list of one's own images, or the name of a set.
    package var images: String
    /// Images of one's own to measure on; nil for a share of the others.
    package var test: String?
    /// The side of the square that networks see; nil for one that goes with the images and the teacher.
    package var size: Int?
    /// nil for one that is chosen to be trained.
    package var teacher: GivenTeacher?
    /// nil for one of a tenth of the teacher's cost.
    package var student: GivenStudent?
    /// nil for as many as go with the number of images.
    package var epochs: Int?
    package var seeds = 1

    package init(images: String) { self.images = images }
  }

  static let teacherFile = "teacher.yaml"
  private static let studyFile = "study.yaml"

  /// Where its files lie.
  package let folder: URL
  package let teacher: GivenTeacher
  package let student: ConfiguredNetwork
  private let images: NewImages
  private let seeds: Int
  private let isKnowledgeShared: Bool
  /// How long is trained.
  package private(set) var epochs: Int
  /// Which layers SP compares; nil until both networks are known.
  package private(set) var layers: [LayerPair]?

  /// Makes all choices. Nothing is written.
  /// - Throws: `RunError`, `DataError` or `ONNXError` for images, a teacher or a student that are not there or do not go together.
  package init(_ wishes: Wishes, in folder: URL) throws {
    self.folder = folder
    images = try NewImages(wishes, teacherSize: try wishes.teacher?.imageSize())
    let form = NetworkForm(image: images.shape, classes: images.classNames.count)
    let named = try wishes.teacher ?? .trained(Architecture(named: form.usualTeacher))
    teacher = try named.opened(image: images.shape, classes: form.classes)
    student = try NewStudy.student(wishes.student, form, teacher: teacher)
    epochs = wishes.epochs ?? images.usualEpochs
    seeds = wishes.seeds
    isKnowledgeShared = try teacher.classes(image: images.shape, own: form.classes) == form.classes && form.classes > 0
    if form.classes == 0, case .trained = teacher {
      throw RunError(
        "\(wishes.images) has no class folders, so that no teacher can be trained on it; name a trained one with --teacher"
      )
    }
  }

  private static func student(
    _ wish: GivenStudent?, _ form: NetworkForm, teacher: GivenTeacher
  ) throws -> ConfiguredNetwork {
    switch wish {
    case .network(let network): return .zoo(network)
    case .onnx(let file): return .onnx(.init(file: file))
    case .within(let limit): return .zoo(try limit.network(for: form))
    case nil:
      guard let network = try form.tenth(of: teacher.cost(form)) else { throw RunError("no network takes such images") }
      return .zoo(network)
    }
  }

  /// The study's file.
  package var study: URL { folder.appending(path: NewStudy.studyFile) }

  /// The files that belong to it.
  package var files: [URL] {
    if case .trained = teacher { [study, folder.appending(path: NewStudy.teacherFile)] } else { [study] }
  }

  /// Writes the files, and looks up which layers go together.
  /// - Throws: `RunError` where a file is there already, or cannot be written; `ConfigurationError` where what was named does
  ///   not go together: nothing is left then.
  package mutating func write() throws {
    if let file = files.first(where: { FileManager.default.fileExists(atPath: $0.path) }) {
      throw RunError("\(file.displayName) is there already; name another folder, or delete it")
    }
    let home = Folder.nearest(to: folder)
    do {
      try Folder.make(folder)
      try put()
      layers = try matchedLayers()
      try put()
      _ = try Study.load(file: study)
    } catch {
      for file in files { try? FileManager.default.removeItem(at: file) }
      Folder.removeEmpty(folder, below: home)
      throw error
    }
  }

  /// Trains as long as a time allows, of which so many epochs take so long.
  package mutating func fit(seconds: Double, into limit: Double) throws {
    epochs = max(Int(Double(epochs) * limit / seconds), 1)
    try put()
  }

  private func put() throws {
    try AtomicFile.write(Data(studyText.utf8), to: study)
    if case .trained(let network) = teacher {
      try AtomicFile.write(Data(teacherText(network).utf8), to: folder.appending(path: NewStudy.teacherFile))
    }
  }

  /// The layers that SP compares between the two networks.
  private func matchedLayers() throws -> [LayerPair] {
    guard let row = try Study.load(file: study).rows.first(where: { $0.settings.losses["sp"] != nil }) else {
      return []
    }
    var settings = row.settings
    if let inspection = try TeacherInspection(settings, runs: folder.appending(path: "runs")) {
      try settings.resolveLayers(teacher: inspection.description)
    }
    return settings.losses["sp"]?.method.layers ?? []
  }
}

// MARK: - What is said of it

extension NewStudy {
  /// What was chosen, a line each.
  package var facts: [(String, String)] {
    let form = NetworkForm(image: images.shape, classes: images.classNames.count)
    func cost(_ network: Architecture) -> String {
      let cost = form.cost(of: network)
      return "\(Format.count(cost.parameters)) parameters, \(Format.count(cost.multiplyAdds)) multiply-adds"
    }
    let (side, count) = (images.shape[1], images.title)
    var facts = [("images", "\(count), seen at \(side) x \(side)\(images.isHeldOut ? "; a fifth is measured on" : "")")]
    switch teacher {
    case .trained(let network): facts.append(("teacher", "\(network.name), trained first: \(cost(network))"))
    case .weights(let network, _): facts.append(("teacher", "\(network.name): \(cost(network))"))
    case .onnx, .exported: facts.append(("teacher", teacher.title))
    }
    facts.append(("student", student.name + (student.architecture.map { ": \(cost($0))" } ?? "")))
    let pairs = (layers ?? []).map { "\($0.student) of the student with \($0.teacher) of the teacher" }
    if !pairs.isEmpty { facts.append(("layers", "sp compares " + pairs.joined(separator: ", "))) }
    if !isKnowledgeShared, !images.classNames.isEmpty {
      facts.append(("classes", "the teacher's are others than the images', so that kd is left out"))
    }
    return facts + [("epochs", "\(epochs)")]
  }
}

// MARK: - Text

extension NewStudy {
  private var studyText: String {
    """
    # \(teacher.title) teaches \(student.name) on \(images.title). Made by kindred init: every line may be changed.
    #   kindred inspect \(NewStudy.studyFile)   shows the runs and what they are expected to take
    #   kindred match \(NewStudy.studyFile)     measures which layers go together
    #   kindred run \(NewStudy.studyFile)       does all of it: runs, report.html and student.onnx come beside this file
    base:
    \(shared)
      student: \(studentText)
      teacher: \(teacher.yaml(in: folder))
    # The table gives the spread over seeds; below three it cannot tell a difference from chance.
    seeds: \(seeds)
    rows:
    \(rows)
    """
  }

  /// What the rows share with the teacher where it is trained here, whose file says it then.
  private var shared: String {
    if case .trained = teacher { return "  extends: \(NewStudy.teacherFile)  # images and training are the teacher's" }
    return images.yaml(in: folder) + "\n  training:\n" + recipe(indent: "    ")
  }

  private var studentText: String {
    switch student {
    case .zoo(let network): "{network: \(network.name)}"
    case .onnx(let source): "{onnx: \(YAMLWriter.quoted(source.file.path(in: folder)))}"
    }
  }

  private var rows: String {
    let pairs = layers.map { ", layers: [\($0.map(YAMLWriter.text).joined(separator: ", "))]" } ?? ""
    let similarity = "sp: {weight: auto\(pairs)}"
    let paper =
      "# Inputs that excite the teacher alike must excite the student alike (Tung & Mori, ICCV 2019). auto finds the weight."
    guard !images.classNames.isEmpty else {
      return """
          \(paper)
          # Without classes there is nothing else to learn from.
          sp: {losses: {cross_entropy: 0, \(similarity)}}

        """
    }
    let own = """
        # The student without a teacher: what the others have to beat.
        plain: {teacher: null}
        \(paper)
        sp: {losses: {\(similarity)}}

      """
    guard isKnowledgeShared else { return own }
    return own + """
        # The teacher's probabilities as well (Hinton et al., 2015).
        kd+sp: {losses: {kd: {alpha: 0.9, temperature: 4}, \(similarity)}}

      """
  }

  private func teacherText(_ network: Architecture) -> String {
    """
    # The teacher of \(NewStudy.studyFile), trained before its students.
    \(images.yaml(in: folder, indent: ""))
    student: {network: \(network.name)}
    training:
    \(recipe(indent: "  "))

    """
  }

  /// For small images the optimiser of the published tables, for photographs one that forgives more.
  private func recipe(indent: String) -> String {
    let optimizer =
      images.isSmall
      ? "{name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true, weight_decay: 5.0e-4}"
      : "{name: adamw, learning_rate: 0.001}"
    return [
      "epochs: \(epochs)", "batch_size: \(images.batchSize)", "optimizer: \(optimizer)", "schedule: {name: cosine}",
    ].map { indent + $0 }.joined(separator: "\n")
  }
}

extension GivenTeacher {
  /// How many classes it tells; nil where it tells none.
  /// - Parameter own: the images', which a network that is to be trained tells.
  fileprivate func classes(image: [Int], own: Int) throws -> Int? {
    switch self {
    case .trained: return own
    case .weights(let network, let file): return try WeightsFile(file.url).ends(of: network).classes
    case .onnx(let file): return try ConfiguredNetwork.onnx(.init(file: file)).facts(image: image).classes
    case .exported(let file, let outputs):
      guard outputs.contains(where: { $0.name == Activations.logitsName }) else { return nil }
      let shapes = try withTorchErrors { try ExportedModel(file.url)(.zeros([2] + image)) }.tensors.map(\.shape)
      return shapes.filter { $0.count == 2 }.contains { $0[1] == own } ? own : nil
    }
  }

  /// What it costs, or a usual teacher where a file does not tell.
  fileprivate func cost(_ form: NetworkForm) throws -> NetworkCost {
    switch self {
    case .trained(let network), .weights(let network, _): form.cost(of: network)
    case .onnx(let file):
      try ConfiguredNetwork.onnx(.init(file: file)).facts(image: form.image).cost(classes: form.classes)
    case .exported: form.cost(of: try Architecture(named: form.usualTeacher))
    }
  }
}
