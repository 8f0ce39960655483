// `kindred record`: a teacher's signal, kept for any number of students.

import ArgumentParser
import Foundation
import Kindred
import KindredExperiments
import KindredReport

extension RecordingHeader.Storage: ExpressibleByArgument {}

struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Keep what a teacher says of each batch, for students that learn without it.",
    usage: """
      \(ShellCommand.program) record CONFIG --out DIR [OPTIONS]
      \(ShellCommand.program) record --check DIR [--quiet] [--json]
      """,
    discussion: """
      Runs the teacher over the batches that a run with CONFIG will see and keeps what its losses need: Gram rows for \
      sp, logits for kd, attention maps for at. A configuration then says teacher: {recording: DIR}. A recording belongs \
      to its data, batch size, augmentation and plan seed (training.plan_seed, else training.seed).

      With --part any number of processes record into one folder, each its share, on machines that share nothing else. \
      The files are those that one process writes. A part goes on with what is there: what was killed is given again.

      --check looks at every block of a recording and lists holes, damage and what is there twice. Exits with status 1 \
      where there is any.
      """)

  @Argument(help: "The YAML file of a run with a teacher.", completion: .configurations)
  var config: String?

  @Option(
    help: "How many epochs to record; with --resume a finished recording gets more. (default: all that the run has)")
  var epochs: Int?

  @Option(help: ArgumentHelp("Record what these losses need, and not what the others do.", valueName: "kd,sp"))
  var losses: String?

  @Option(help: "The recording's folder.", completion: .directory)
  var out: String?

  @Option(help: "float32 replays a live run byte for byte; float16 takes half the space.")
  var storage = RecordingHeader.Storage.float32

  @Option(
    help: "The folder of runs, where a teacher that the file names by its configuration is looked for.",
    completion: .directory)
  var runs = "runs"

  @Flag(help: "Go on with the unfinished recording in the folder.")
  var resume = false

  @Option(
    help: ArgumentHelp(
      """
      Record one of several parts: I/N, counted from 1; auto in an array of Slurm's; auto/N there or in an indexed Job of \
      Kubernetes.
      """, valueName: "I/N"))
  var part: String?

  @Option(help: ArgumentHelp("Look at a recording, and write nothing.", valueName: "DIR"), completion: .directory)
  var check: String?

  @Option(help: "The seed of the run, whose batches are recorded.")
  var seed: UInt64?

  @Option(name: .customLong("set"), help: "Override a setting, such as training.plan_seed=7. Can be repeated.")
  var overrides: [String] = []

  /// All settings of the command line, as `KEY=VALUE`.
  private var settings: [String] { overrides + (seed.map { ["training.seed=\($0)"] } ?? []) }

  @OptionGroup var data: DataOptions
  @OptionGroup var outputs: OutputOptions
  @OptionGroup var others: ProcessOptions

  func validate() throws {
    if check != nil {
      guard config == nil, out == nil, part == nil, epochs == nil, losses == nil, !resume, settings.isEmpty else {
        throw ValidationError("--check DIR looks at what is in DIR; it takes no CONFIG and no option of a recording.")
      }
      return
    }
    guard config != nil else { throw ValidationError("Missing expected argument '<config>'") }
    guard out != nil else { throw ValidationError("Missing expected argument '--out <out>'") }
    // The bound of training.epochs.
    guard (1...1_000_000).contains(epochs ?? 1) else { throw ValidationError("--epochs is between 1 and 1000000.") }
  }

  func run() throws {
    if let check { return try RecordingView(file(check), outputs).show() }
    guard let config, let out else { preconditionFailure("validated") }
    var configuration = try Configuration.load(file: file(config), overrides: Overrides(settings))
    if let losses { try configuration.losses.keep(losses.split(separator: ",").map(String.init)) }
    Threads.prepare(configuration.training.threads)
    // Each of several processes records a part, and needs nothing of the others.
    try others.startOthers { $0.isFirst ? [] : ["--quiet"] }
    let part = try (part ?? others.part()).map { try RecordingPart($0) }
    let recording = RecordingRun(
      configuration, epochs: epochs, storage: storage, library: data.library, runs: file(runs), part: part)
    let progress = RunProgress(quiet: outputs.quiet, name: "recording")
    StopRequest.listen()
    let result: RecordingRun.Result?
    do {
      result = try recording.run(
        into: file(out), resume: resume, shouldStop: { StopRequest.isPending }, onEvent: progress.show)
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    guard let result else {
      progress.message("stopped and saved; go on with: \(again(config, out))")
      throw ExitCode(StopRequest.exitStatus)
    }
    output(outputs.json ? try json(result, .recording) : summary(result))
  }

  /// The command that goes on with this recording.
  private func again(_ config: String, _ out: String) -> String {
    var words = [ShellCommand.program, "record", config, "--out", out]
    if let epochs { words += ["--epochs", "\(epochs)"] }
    if let losses { words += ["--losses", losses] }
    if storage != .float32 { words += ["--storage", storage.rawValue] }
    words += settings.flatMap { ["--set", $0] }
    if let folder = data.folder { words += ["--data-dir", folder] }
    if runs != "runs" { words += ["--runs", runs] }
    words += part.map { ["--part", $0] } ?? ["--resume"]
    return ShellCommand.line(words)
  }

  private func summary(_ result: RecordingRun.Result) -> String {
    guard let part = result.part else { return whole(result) }
    let own = "part \(part.number) of \(part.count): \(part.recorded) of its \(part.batches) batches recorded now"
    guard part.missing > 0 else { return "\(own); the recording is complete\n\(whole(result))" }
    return "\(own); \(part.unfinished.partsInWords) \(part.unfinished.count == 1 ? "is" : "are") not finished, "
      + "\(part.missing) of \(result.batches) batches are missing"
  }

  private func whole(_ result: RecordingRun.Result) -> String {
    """
    \(result.teacher): \(result.signals.joined(separator: ", ")) of \(result.epochs) epochs, \
    \(Format.bytes(result.bytes)), plan seed \(result.planSeed)
    use it with: \(result.setting)
    """
  }
}
