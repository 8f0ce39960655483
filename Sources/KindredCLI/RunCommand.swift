// `kindred run`: a study from its teacher to the file that leaves.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Do all of a study: teacher, recording, students, table and the student's ONNX file.",
    discussion: """
      What '\(ShellCommand.program) compare' does, with the runs in a folder beside the study's file; then the row with the highest mean accuracy is \
      written as student.onnx, of its first seed. Run again, it goes on where it was.
      """)

  @Argument(help: "The study's YAML file, or its folder.")
  var study: String

  @Option(help: "The folder for the runs and what comes of them. (default: runs beside the file, the rest beside it)")
  var out: String?

  @Option(help: "What student.onnx computes in: float32, float16 or int8.")
  var precision: StudentExport.Precision = .float32

  @Option(help: "What student.onnx takes: normalized, unit or bytes.")
  var input: StudentExport.Input = .normalized

  @Flag(help: "Write no ONNX file.")
  var noExport = false

  @OptionGroup var options: ComparisonOptions

  func run() throws {
    let place = StudyPlace(file(study), out: out.map { file($0) })
    let page = ComparisonOptions.Page(
      file: place.results.appending(path: "report.html"), title: place.file.deletingPathExtension().lastPathComponent,
      command: ShellCommand.line([ShellCommand.program, "run", place.file.displayName]))
    try options.carryOut(
      Study.load(file: place.file, overrides: options.settings.all).rows, in: place.runs, page: page
    ) { comparison in
      if !noExport { try export(comparison, to: place.results.appending(path: "student.onnx")) }
    }
  }

  private func export(_ comparison: Comparison, to file: URL) throws {
    guard let best = try comparison.best() else { return note("no row is a student's: nothing to export") }
    let measured = best.accuracyPercent.map { ", the highest with \(Format.percentage($0)) on average" } ?? ""
    note("\(file.displayName) is of \(best.job.settings.name)\(measured): \(best.job.folder.name)")
    let folder = options.data.folder.map { ["--data-dir", $0] } ?? []
    let command = try ExportCommand.parse(
      [best.job.folder.url.path, "--output", file.path, "--precision", "\(precision)", "--input", "\(input)"] + folder)
    try command.run()
  }
}

/// Where a study's file lies, its runs, and what comes of them.
struct StudyPlace {
  let file: URL
  let runs: URL
  let results: URL

  /// - Parameters:
  ///   - place: a study's file, or a folder with a study.yaml.
  ///   - out: one folder for all of it, where one is named.
  init(_ place: URL, out: URL? = nil) {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder)
    file = isFolder.boolValue ? place.appending(path: "study.yaml") : place
    runs = out ?? StudyPlace.beside(file)
    results = out ?? file.deletingLastPathComponent()
  }

  /// The folder of runs of a file: beside it where there is one, or else in the current folder, where `compare` has them.
  static func runs(of file: URL) -> URL {
    let own = beside(file)
    return FileManager.default.fileExists(atPath: own.path) ? own : URL(filePath: "runs")
  }

  private static func beside(_ file: URL) -> URL { file.deletingLastPathComponent().appending(path: "runs") }
}
