// `kindred report`: one page on runs, for whoever was not there.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write one HTML page on runs: tables, curves, matrices, classes, calibration and cost.",
    discussion: """
      Of runs by their folders, of a study or configuration by its YAML file (its runs lie in --runs, as 'compare' leaves \
      them), or of all runs below a folder. The page is one file that needs no network.

      Each finished network is asked once about up to 2000 of the images that its run was measured on; what comes of it is \
      kept as measured.json in the run's folder. 'train', 'distill', 'compare' and 'demo' write report.html themselves, unless \
      --no-report is given.
      """)

  @Argument(help: "The folders of runs, the YAML file of a study, or a folder with runs below it.")
  var places: [String]

  @Option(help: "The HTML file to write.")
  var output = "report.html"

  @Option(help: "The folder of runs, where those of a study lie and teachers are looked for.")
  var runs = "runs"

  @Option(help: "Of a study: seeds for each, as 'compare' was given them. (default: the study's, or 3)")
  var seeds: Int?

  @Flag(
    help:
      "Write it again when something is new, every ten seconds at most; ends when all runs are finished, or by Ctrl-C.")
  var watch = false

  @Flag(help: "Print no progress.")
  var quiet = false

  @OptionGroup var settings: SettingOptions
  @OptionGroup var data: DataOptions

  func validate() throws {
    guard !places.isEmpty else { throw ValidationError("Name runs, a study or a folder.") }
    guard (1...1000).contains(seeds ?? 1) else { throw ValidationError("--seeds is between 1 and 1000.") }
  }

  func run() throws {
    StopRequest.listen()
    guard watch else {
      let study = try study()
      try study.requireRuns(in: file(runs))
      for reason in study.leftOut { note(oneLine("warning: left out: \(reason)")) }
      guard try writeReport(Report(study), to: file(output), runs: file(runs), images, quiet: quiet) else {
        throw ExitCode(StopRequest.exitStatus)
      }
      if !quiet { note("wrote \(output)") }
      return
    }
    try keepUp()
  }

  private var images: ReportedImages { ReportedImages(library: data.library, found: data.found) }

  /// A study where YAML files are named, or runs where folders are.
  private func study() throws -> ReportedStudy {
    let files = places.filter { !isFolder($0) }
    guard !files.isEmpty else {
      guard settings.all.isEmpty, seeds == nil else {
        throw RunError("--set, --epochs, --device and --seeds are for studies; runs are what they are")
      }
      return try ReportedStudy(folders: places.map { file($0) }, title: title)
    }
    guard files.count == places.count else {
      throw RunError("name YAML files or folders, not both: \(places.joined(separator: ", "))")
    }
    let rows = try files.flatMap { try Study.load(file: file($0), overrides: settings.all, seeds: seeds).rows }
    let comparison = try Comparison(rows, runs: file(runs), library: data.library)
    return ReportedStudy(comparison, title: title, command: again(files))
  }

  private func isFolder(_ place: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: file(place).path, isDirectory: &isFolder) && isFolder.boolValue
  }

  private var title: String {
    let names = places.map { place -> String in
      let url = file(place).standardizedFileURL
      return isFolder(place) ? url.displayName : url.deletingPathExtension().lastPathComponent
    }
    return names.count > 4 ? names.prefix(4).joined(separator: ", ") + " and others" : names.joined(separator: ", ")
  }

  private func again(_ files: [String]) -> String {
    ShellCommand.line(
      [ShellCommand.program, "compare"] + files + settings.words
        + (seeds.map { ["--seeds", "\($0)"] } ?? [])
        + ["--out", runs])
  }

  /// Writes when what folders say is other than before, and networks are measured when all runs are there.
  private func keepUp() throws {
    var last: ReportedStudy.Signature?
    while !StopRequest.isPending {
      let study = try study()
      if study.signature != last {
        if study.isFinished {
          _ = try writeReport(Report(study), to: file(output), runs: file(runs), images, quiet: quiet)
        } else {
          try Report(study).quickPage(date: Date()).write(to: file(output))
        }
        if !quiet { note("wrote \(output)") }
        last = study.signature
      }
      // A folder may get further runs.
      if study.isFinished, study.isComplete { return }
      for _ in 0..<100 where !StopRequest.isPending { usleep(100_000) }
    }
    throw ExitCode(StopRequest.exitStatus)
  }
}
