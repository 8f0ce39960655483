// `kindred compare` and `kindred demo`: many runs, one table.

import ArgumentParser
import Files
import Foundation
import KindredExperiments
import KindredReport
import Torch

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Train several configurations over several seeds and print one table.",
    discussion: """
      A file is a configuration, or a study: rows over a common base (rows:, base:, seeds:, splits:). '\(ShellCommand.program) inspect STUDY.yaml' \
      shows its runs and what they are expected to take.

      Runs lie in OUT/NAME/seed-N, or OUT/NAME/split-K-seed-N where images are divided in several ways. What is finished there is used as it is, what was stopped goes on, what is missing \
      is trained; teachers that a configuration names are trained first, by their own files: --set and its like are for \
      the compared ones, --teacher-set for these. A teacher that several runs hear over the same batches is recorded once and replayed, \
      which gives the same weights. Beside the runs, table.md, table.csv, table.json and table.tex (for LaTeX with booktabs) hold the \
      table, and report.html is a page on all of it.
      """)

  @Argument(help: "The YAML files to compare: configurations and studies.", completion: .configurations)
  var configs: [String]

  @Option(
    help: "Seeds for each, counting up from its own; a study's row keeps its own number. (default: the study's, or 3)")
  var seeds: Int?

  @Option(help: "The folder of runs.", completion: .directory)
  var out = "runs"

  @Flag(help: "Run every teacher live, also where one recording would serve several runs.")
  var live = false

  @OptionGroup var options: ComparisonOptions

  func validate() throws {
    guard !configs.isEmpty else { throw ValidationError("Name at least one YAML file.") }
    guard (1...1000).contains(seeds ?? 1) else { throw ValidationError("--seeds is between 1 and 1000.") }
  }

  func run() throws {
    let files = configs.map { file($0) }
    let rows = try files.flatMap { try Study.load(file: $0, overrides: options.settings.all, seeds: seeds).rows }
    let title = files.map { $0.deletingPathExtension().lastPathComponent }.joined(separator: ", ")
    try options.carryOut(
      rows, in: file(out), recordsTeachers: !live,
      page: .init(file: RunFolder(file(out)).report, title: title, command: command))
  }

  private var command: String {
    ShellCommand.line(
      [ShellCommand.program, "compare"] + configs + options.settings.words + (seeds.map { ["--seeds", "\($0)"] } ?? [])
        + ["--out", out])
  }
}

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Train a teacher, a plain student and four distilled ones on drawn textures, and compare them.",
    discussion: "Needs no data and takes about five minutes on two cores. Run again, it goes on where it was.")

  @Option(help: "The demonstration's folder.", completion: .directory)
  var out = "runs/demo"

  @Option(help: "Seeds for each method.")
  var seeds = 3

  @OptionGroup var outputs: OutputOptions
  @OptionGroup var reporting: ReportOptions

  func validate() throws {
    guard (1...1000).contains(seeds) else { throw ValidationError("--seeds is between 1 and 1000.") }
  }

  func run() throws {
    Threads.prepare()
    let folder = file(out)
    let library = ImageLibrary()
    let configurations = try Demo.configurations(in: folder.appending(path: "configurations"))
    let comparison = try Comparison(configurations, seeds: seeds, runs: folder, library: library)
    let progress = RunProgress(quiet: outputs.quiet)
    let report = ReportKeeper(
      reporting, output: RunFolder(folder).report, runs: folder, .init(library: library), progress,
      quiet: outputs.quiet,
      study: { ReportedStudy(comparison, title: "Demonstration", command: again) })
    try execute(comparison, progress, report, quiet: outputs.quiet, again: again)
    var ending = Ending()
    try ending.show(comparison, in: RunFolder(folder), json: outputs.json)
    ending.attempt {
      let picture = folder.appending(path: "similarity.svg")
      try Demo.figure(comparison, library: library).write(to: picture)
      guard !outputs.json else { return }
      try StandardOutput.write("similarity matrices of teacher and students: \(picture.displayName)\n")
    }
    report?.finish()
    try ending.finish()
  }

  /// The command that goes on with this demonstration.
  private var again: String { ShellCommand.line([ShellCommand.program, "demo", "--out", out, "--seeds", "\(seeds)"]) }
}

/// Trains what a comparison lacks, with progress.
func execute(
  _ comparison: Comparison, _ progress: RunProgress, _ report: ReportKeeper?, quiet: Bool, again: String
) throws {
  StopRequest.listen()
  let isComplete: Bool
  do {
    isComplete = try comparison.run(
      shouldStop: { StopRequest.isPending },
      onEvent: { event in
        switch event {
        case .measured(let teacher, let accuracy, let images):
          progress.message(
            "the teacher \(teacher): \(Format.percentage(accuracy)) of the \(images) images to measure on")
        case .skipped(let job): progress.message("\(job.title): finished before")
        case .began(let job, let number, let count, let part):
          progress.begin("[\(number)/\(count)] \(job.title)", part)
        case .recording(let jobs, let bytes):
          progress.message("the teacher is recorded once for \(jobs.count) runs, \(Format.bytes(bytes))")
          progress.begin("recording")
        case .recorded(let event): progress.show(event)
        case .recordingFinished: progress.finish()
        case .recordingTooLarge(let jobs, let bytes, let free):
          progress.message(
            "the teacher runs live in \(jobs.count) runs: recorded once it would take \(Format.bytes(bytes)), and "
              + "\(Format.bytes(free)) are free")
        case .run(_, let event):
          try progress.show(event)
          report?.note(event)
        case .finished: progress.finish()
        case .failed(let job, let reason):
          progress.finish()
          note("\(job.title) failed: \(reason); the others go on")
        }
      })
  } catch {
    progress.finish()
    throw error
  }
  guard isComplete else {
    progress.finish()
    if !quiet, Membership.isFirst, let table = try? comparison.table() { try? StandardOutput.write(table.text + "\n") }
    report?.stop()
    progress.message("stopped and saved; go on with: \(again)")
    try Membership.leave()
    throw ExitCode(StopRequest.exitStatus)
  }
}

/// Why a comparison that came to its end has not gone well; each run was named when it failed.
private struct FailedRuns: Error, CustomStringConvertible {
  let count: Int

  var description: String {
    "\(count) \(count == 1 ? "run" : "runs") failed; change the settings and start again: what is finished stays"
  }
}

/// The end of a comparison: hours were spent on what it shows, so that one thing that fails does not keep back the rest.
struct Ending {
  private var failures: [any Error] = []

  /// Prints the table, then writes it beside the runs.
  /// - Throws: `RunError` where a run is not finished.
  mutating func show(_ comparison: Comparison, in folder: RunFolder, json: Bool) throws {
    let table = try comparison.table()
    if !comparison.failures.isEmpty { failures.append(FailedRuns(count: comparison.failures.count)) }
    let document = try table.json()
    let summary = table.summary(
      command: ShellCommand.line([ShellCommand.program] + CommandLine.arguments.dropFirst()),
      versions: "kindred \(kindredVersion), libtorch \(Runtime.version)")
    attempt { try StandardOutput.write(json ? String(decoding: document, as: UTF8.self) : table.text) }
    for (name, data) in [
      ("table.md", Data(summary.utf8)), ("table.csv", Data(table.csv.utf8)), ("table.json", document),
      ("table.tex", Data(table.latex.utf8)),
    ] {
      attempt { try folder.write(data, to: folder.url.appending(path: name)) }
    }
  }

  mutating func attempt(_ step: () throws -> Void) {
    do { try step() } catch { failures.append(error) }
  }

  /// Says what failed, a line each.
  /// - Throws: what failed last.
  func finish() throws {
    guard let last = failures.last else { return }
    for failure in failures.dropLast() { try? AtomicFile.write(Data("Error: \(failure)\n".utf8), to: STDERR_FILENO) }
    throw last
  }
}
