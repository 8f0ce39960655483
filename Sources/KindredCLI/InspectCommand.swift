// `kindred inspect`: what a configuration means, before anything is trained.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport
import KindredVision

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show both networks of a configuration side by side, and what each loss uses.")

  @Argument(help: "The run's YAML file.")
  var config: String

  @OptionGroup var settings: SettingOptions

  @Flag(help: "Print the resolved configuration, every default filled in, instead.")
  var resolved = false

  func run() throws {
    let configuration = try Configuration.load(file: file(config), overrides: settings.all)
    if resolved { return output(configuration.yaml(), terminator: "") }
    let foreign = try foreignTeacher(configuration)
    output(networks(configuration, foreign: foreign))
    output(losses(configuration), terminator: "")
    if let foreign { try configuration.check(teacher: foreign) }
  }

  /// What a teacher is that is none of Kindred's own networks.
  private func foreignTeacher(_ settings: Configuration) throws -> TeacherDescription? {
    switch settings.teacher?.source {
    case .recording(let folder): return try Recording(folder).header.teacher
    case .exported(let exported):
      // First what the file gives, so that it shows even where the configuration names it wrongly.
      output(outputs(try ExportedInspection(exported, for: settings), of: exported))
      return try ExportedNetwork(exported, for: settings).description
    case .weights, .configuration, nil: return nil
    }
  }

  private func outputs(_ inspection: ExportedInspection, of teacher: Configuration.Exported) -> String {
    var table = TextTable([.text(teacher.file.lastPathComponent), .text("shape"), .text("used as")])
    for output in inspection.outputs {
      table.append([
        output.place, output.shape.map(shape) ?? "no tensor", output.names.joined(separator: ", "),
      ])
    }
    return table.text
  }

  private func networks(_ settings: Configuration, foreign: TeacherDescription?) -> String {
    let image = settings.data.set.imageShape
    let classes = settings.data.set.classCount
    let own = [("student", settings.student.network)] + (settings.teacher?.network.map { [("teacher", $0)] } ?? [])
    let columns =
      own.map { title, network in
        Column(title: title, network: network, description: network.description(classes: classes, image: image))
      } + (foreign.map { [Column(title: "teacher", network: nil, description: $0)] } ?? [])
    var table = TextTable([.text("")] + columns.map { .text($0.title) })
    func row(_ title: String, _ cell: (Column) -> String?) {
      table.append([title] + columns.map { cell($0) ?? Format.missing })
    }
    row("network") { $0.description.name }
    row("input") { _ in shape([image.channels, image.height, image.width]) }
    let taps = settings.student.network.taps
    let others = (foreign?.taps.keys.sorted() ?? []).filter { !taps.contains($0) }
    for tap in taps + others { row(tap) { $0.description.taps[tap].map(shape) } }
    row("logits") { $0.description.classes.map(String.init) }
    row("parameters") {
      $0.network.map { Format.count($0.parameterCount(classes: classes, inputChannels: image.channels)) }
    }
    row("multiply-adds") {
      $0.network.map {
        Format.count(
          $0.multiplyAdds(
            classes: classes, inputChannels: image.channels, inputHeight: image.height, inputWidth: image.width))
      }
    }
    return table.text
  }

  private func shape(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: " x ") }

  private func losses(_ settings: Configuration) -> String {
    var table = TextTable([.text("loss"), .text("weight"), .text("student"), .text("teacher")])
    let losses = settings.losses
    let labels = losses.crossEntropy * (1 - (losses.kd?.alpha ?? 0))
    table.append(["cross_entropy", Format.value(labels), "logits", "labels"])
    if let kd = losses.kd {
      table.append(["kd (T = \(Format.value(kd.temperature)))", Format.value(kd.alpha), "logits", "logits"])
    }
    for (key, loss) in losses.activationTerms {
      for pair in loss.layers { table.append([key, weight(loss.weight), pair.student, pair.teacher]) }
    }
    return table.text
  }

  private func weight(_ weight: Configuration.Weight) -> String {
    switch weight {
    case .fixed(let value): Format.value(value)
    case .automatic(let calibration, let found):
      found.map(Format.value) ?? "auto (fraction \(Format.value(calibration.fraction)))"
    }
  }
}

/// One network of the table.
private struct Column {
  let title: String
  /// Where it is one of Kindred's own, whose size is known.
  let network: Architecture?
  let description: TeacherDescription
}
