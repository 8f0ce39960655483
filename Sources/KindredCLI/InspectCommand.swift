// `kindred inspect`: what a configuration means, before anything is trained, and what a file of weights holds.

import ArgumentParser
import Foundation
import Graph
import Kindred
import KindredExperiments
import KindredReport
import KindredVision

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show both networks of a configuration side by side, and what each loss uses.",
    discussion: """
      What '\(ShellCommand.program) train' or '\(ShellCommand.program) distill' would refuse, such as a teacher that is not trained yet, is refused here as \
      well, behind what can be shown.

      Of a study it shows all runs, what will be recorded, and the time and space that they are expected to take, from a \
      few steps on synthetic images. Neither data nor teachers need be there.

      Of an ONNX file it shows what it takes and gives, its operations, and the values that can be compared.

      Of weights (a safetensors file, a PyTorch checkpoint or a run's folder) it shows the entries and the networks that \
      they fit.
      """)

  @Argument(help: "The YAML file of a run or a study; weights; or an ONNX file.", completion: .file())
  var config: String

  @Option(
    help: "The folder of runs, where a teacher that the file names by its configuration is looked for.",
    completion: .directory)
  var runs = "runs"

  @OptionGroup var settings: SettingOptions
  @OptionGroup var data: DataOptions

  @Flag(help: "Print the resolved configuration, every default filled in, instead; of a study, each row's.")
  var resolved = false

  @Option(help: "Of an ONNX file that leaves it open: the images' height and width. (default: 224)")
  var size: Int?

  @Flag(help: "Of a study: measure no steps, and so expect no time.")
  var noMeasurement = false

  func run() throws {
    if ONNXFile.isOne(file(config)) { return try inspectONNX() }
    if size != nil { throw RunError("--size is for ONNX files; take it out") }
    if WeightsFile.isWeights(file(config)) { return try inspectWeights() }
    if try Study.isStudy(file(config)) { return try inspectStudy() }
    var configuration = try Configuration.load(file: file(config), overrides: settings.all)
    for warning in configuration.warnings {
      try FileHandle.standardError.write(contentsOf: Data("warning: \(warning)\n".utf8))
    }
    if resolved { return output(configuration.resolvingLayers(runs: file(runs)).yaml(), terminator: "") }
    if case .exported(let exported)? = configuration.teacher?.source {
      // First what the file gives, so that it shows even where the configuration names it wrongly.
      output(outputs(try ExportedInspection(exported, for: configuration), of: exported))
    }
    let teacher = try TeacherInspection(configuration, runs: file(runs))
    if let absence = teacher?.absence { note("the teacher is as the configuration says it: \(absence)") }
    if let teacher { try configuration.resolveLayers(teacher: teacher.description) }
    for remark in try configuration.student.network.remarks(image: configuration.data.inputShape) { note(remark) }
    output(try networks(configuration, teacher: teacher))
    output(losses(configuration), terminator: "")
    try TrainingRun(configuration, folder: RunFolder(file(runs)), library: data.library, runs: file(runs)).check()
  }

  private func inspectONNX() throws {
    guard settings.all.isEmpty, !resolved, !noMeasurement else {
      throw RunError("\(config) is an ONNX file, which is shown as it is; take the other options out")
    }
    let size = size ?? 224
    guard (1...4096).contains(size) else { throw RunError("--size is from 1 to 4096") }
    let read = try ONNXFile(file(config), openSize: size)
    if read.declaredInput.dropFirst().contains(where: { Int($0) == nil }) {
      note("the file leaves the images' size open: shown for \(shape(read.graph.inputShape)); --size N for another")
    }
    let view = ONNXView(read)
    for remark in view.remarks { note(remark) }
    output(view.facts)
    output(view.taps, terminator: "")
  }

  private func inspectWeights() throws {
    guard settings.all.isEmpty, !resolved, !noMeasurement else {
      throw RunError("\(config) holds weights, of which only the entries are shown; take the other options out")
    }
    let weights = try WeightsFile(file(config))
    if let remark = weights.remark { note(remark) }
    output(WeightsView(weights).entries)
    output(try WeightsView(weights).summary(), terminator: "")
  }

  private func inspectStudy() throws {
    let study = try Study.load(file: file(config), overrides: settings.all)
    for row in study.rows { for warning in row.settings.warnings { note("warning: \(row.settings.name): \(warning)") } }
    if resolved {
      let rows = study.rows.map { $0.settings.resolvingLayers(runs: file(runs)).yaml() }
      return output(rows.joined(separator: "---\n"), terminator: "")
    }
    let comparison = try Comparison(study.rows, runs: file(runs), library: ImageLibrary())
    output(
      try StudyView.text(study.rows, comparison, measuring: noMeasurement ? nil : .seconds(30)), terminator: "")
  }

  private func outputs(_ inspection: ExportedInspection, of teacher: Configuration.Exported) -> String {
    var table = TextTable([.text(teacher.file.url.lastPathComponent), .text("shape"), .text("used as")])
    for output in inspection.outputs {
      table.append([
        output.place, output.shape.map(shape) ?? "no tensor", output.names.joined(separator: ", "),
      ])
    }
    return table.text
  }

  private func networks(_ settings: Configuration, teacher: TeacherInspection?) throws -> String {
    let student = Column(
      title: "student", description: try settings.studentDescription,
      cost: try settings.studentCost(teacher: teacher?.description))
    let columns = [student] + (teacher?.columns ?? [])
    let frozen = try settings.studentFacts.frozenTaps(upTo: settings.student.freeze)
    var table = TextTable([.text("")] + columns.map { .text($0.title) })
    func row(_ title: String, _ cell: (Column) -> String?) {
      table.append([title] + columns.map { cell($0) ?? Format.missing })
    }
    row("network") { $0.description.name }
    row("input") { shape($0.isStudent ? settings.data.inputShape : settings.data.teacherInputShape) }
    let taps = try settings.studentFacts.taps
    let others = Set(columns.dropFirst().flatMap(\.description.taps.keys)).subtracting(taps).sorted()
    for tap in taps + others {
      row(tap) { column in
        column.description.taps[tap].map { shape($0) + (column.isStudent && frozen.contains(tap) ? ", frozen" : "") }
      }
    }
    row("logits") { $0.description.classes.map(String.init) }
    row("parameters") { $0.cost.map { Format.count($0.parameters) } }
    row("multiply-adds") { $0.cost.map { Format.count($0.multiplyAdds) } }
    return table.text
  }

  private func shape(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: " x ") }

  private func losses(_ settings: Configuration) -> String {
    var table = TextTable([.text("loss"), .text("weight"), .text("student"), .text("teacher")])
    let losses = settings.losses
    table.append([Objective.crossEntropyID, Format.value(losses.crossEntropyWeight), "logits", "labels"])
    for term in losses.terms {
      let pairs = term.method.layers.map { ($0.student, $0.teacher) }
      let compares = type(of: term.method).card.compares
      for (student, teacher) in pairs.isEmpty ? [(compares, compares)] : pairs {
        let whose = term.teacher.map { " of teacher \($0)" } ?? ""
        let weight = term.method.ownWeight.map(Format.value) ?? weight(term.weight)
        table.append([title(term), weight, student, teacher + whose])
      }
    }
    return table.text
  }

  /// A term's id, with the method where that is another name, and the temperature where it has one.
  private func title(_ term: Configuration.Term) -> String {
    let method = term.id == term.method.name ? nil : term.method.name
    let temperature = term.method.number("temperature").map { "T = \(Format.value($0))" }
    let remarks = [method, temperature].compactMap(\.self)
    return remarks.isEmpty ? term.id : "\(term.id) (\(remarks.joined(separator: ", ")))"
  }

  private func weight(_ weight: Configuration.Weight) -> String {
    switch weight {
    case .fixed(let value): Format.value(value)
    case .automatic(let calibration, let found):
      found.map(Format.value) ?? "auto (fraction \(Format.value(calibration.fraction)))"
    }
  }
}

extension TeacherInspection {
  /// A column for each teacher; what several cost is not known.
  fileprivate var columns: [Column] {
    guard let teachers = description.teachers else {
      return [Column(title: "teacher", description: description, cost: cost)]
    }
    return teachers.enumerated().map { Column(title: "teacher \($0 + 1)", description: $1, cost: nil) }
  }
}

/// One network of the table.
private struct Column {
  var isStudent: Bool { title == "student" }
  let title: String
  let description: NetworkDescription
  /// Where its size is known.
  let cost: NetworkCost?
}
