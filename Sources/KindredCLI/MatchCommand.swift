// `kindred match`: which layers of a student to compare with which of its teacher.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport

struct MatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "match", abstract: "Measure which layers of the student go with which of the teacher.",
    discussion: """
      Shows how alike the two networks see up to 512 training images at each pair of layers (linear CKA, Nguyen et al., ICLR 2021: 1 for the \
      same, 0 for nothing in common), and suggests pairs as YAML to paste. The teacher must be there; the student \
      has the weights that training begins with, or those of --student.
      """)

  @Argument(help: "The YAML file of a run or a study.")
  var config: String

  @Option(help: "The row of a study. (default: the first with a teacher)")
  var row: String?

  @Option(help: "A finished run of the student, whose weights are measured.")
  var student: String?

  @Option(
    help:
      "The folder of runs, where a teacher that the file names by its configuration is looked for. (default: runs beside a study's file where there is one, or runs)"
  )
  var runs: String?

  @OptionGroup var settings: SettingOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var outputs: OutputOptions

  func run() throws {
    let settings = try chosen(of: Study.load(file: file(config), overrides: settings.all).rows)
    Threads.prepare(settings.training.threads)
    StopRequest.listen()
    let progress = CheckProgressLine(quiet: outputs.quiet, doing: "measuring", of: "batches")
    let match = try LayerMatch(
      settings, runs: runs.map { file($0) } ?? StudyPlace.runs(of: file(config)), student: student.map { file($0) },
      library: data.library
    ) { done, total in
      progress.show(done, of: total)
      return !StopRequest.isPending
    }
    progress.finish()
    guard let match else { throw ExitCode(StopRequest.exitStatus) }
    output(outputs.json ? try json(MatchReport(match), .match) : text(match), terminator: outputs.json ? "\n" : "")
  }

  private func chosen(of rows: [Study.Row]) throws -> Configuration {
    let taught = rows.filter { $0.settings.teacher != nil }
    guard let row else {
      guard let first = taught.first else { throw RunError("\(config) has no teacher to match layers with") }
      return first.settings
    }
    guard let named = rows.first(where: { $0.settings.name == row }) else {
      throw RunError("\(config) has no row '\(row)'; there are \(rows.map(\.settings.name).joined(separator: ", "))")
    }
    guard named.settings.teacher != nil else { throw RunError("row '\(row)' has no teacher") }
    return named.settings
  }

  private func text(_ match: LayerMatch) -> String {
    var table = TextTable([.text("student"), .text("shape")] + match.teacher.map { .number($0.name) })
    table.append(["", "teacher's"] + match.teacher.map { shape($0) })
    for (tap, values) in zip(match.student, match.likeness) {
      table.append([tap.name, shape(tap)] + values.map { Format.decimal($0, places: 2) })
    }
    let suggestions = match.suggestions
    var lines = [
      table.text, "CKA over \(match.images) training images; the student's weights are \(match.studentWeights).", "",
    ]
    guard let last = suggestions.last else { return (lines + ["Neither has maps to pair.\n"]).joined(separator: "\n") }
    lines += suggestions.map { "\($0.pair.student) with \($0.pair.teacher): \($0.reason)" }
    lines += ["", "The last one alone, as SP was published:", "", "losses: {sp: {layers: [\(yaml(last.pair))]}}"]
    if suggestions.count > 1 {
      let pairs = suggestions.map { yaml($0.pair) }.joined(separator: ", ")
      lines += ["", "All of them, as AT and ReviewKD do it:", "", "losses: {sp: {layers: [\(pairs)]}}"]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func shape(_ tap: LayerMatch.Tap) -> String { tap.shape.map(String.init).joined(separator: "x") }

  private func yaml(_ pair: LayerPair) -> String {
    pair.student == pair.teacher ? pair.student : "{student: \(pair.student), teacher: \(pair.teacher)}"
  }
}

/// The JSON document.
private struct MatchReport: Encodable {
  struct Tap: Encodable {
    let name: String
    let shape: [Int]
  }
  struct Suggestion: Encodable {
    let student: String
    let teacher: String
    let reason: String
  }

  let student: [Tap]
  let teacher: [Tap]
  let cka: [[Double]]
  let images: Int
  let suggestions: [Suggestion]

  init(_ match: LayerMatch) {
    student = match.student.map { Tap(name: $0.name, shape: $0.shape) }
    teacher = match.teacher.map { Tap(name: $0.name, shape: $0.shape) }
    (cka, images) = (match.likeness, match.images)
    suggestions = match.suggestions.map {
      Suggestion(student: $0.pair.student, teacher: $0.pair.teacher, reason: $0.reason)
    }
  }
}
