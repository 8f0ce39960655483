// `kindred train` and `kindred distill`: one run.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport
import Torch

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train one network, without a teacher.",
    discussion: RunArguments.files)

  @OptionGroup var arguments: RunArguments

  func run() throws {
    let settings = try arguments.settings()
    guard settings.teacher == nil else {
      throw RunError("\(arguments.config) has a teacher; use: \(arguments.command("distill"))")
    }
    try arguments.execute(settings, command: "train")
  }
}

struct DistillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "distill", abstract: "Train a student from a teacher.",
    discussion: RunArguments.files)

  @OptionGroup var arguments: RunArguments

  func run() throws {
    let settings = try arguments.settings()
    guard settings.teacher != nil else {
      throw RunError("\(arguments.config) has no teacher; add one, or use: \(arguments.command("train"))")
    }
    try arguments.execute(settings, command: "distill")
  }
}

/// What `train` and `distill` have in common.
struct RunArguments: ParsableArguments {
  static let files = """
    Writes config.yaml, metrics.jsonl, checkpoint.safetensors, weights.safetensors and result.json; \
    weights-best.safetensors where an evaluation before the last was the best; weights-ema.safetensors where training.ema \
    is set; and report.html, a page on the run.
    """

  @Argument(help: "The run's YAML file.", completion: .configurations)
  var config: String

  @Option(help: "The run's folder. (default: NAME/seed-N in the folder of runs)", completion: .directory)
  var out: String?

  @Option(
    help: "The folder of runs, where a teacher that the file names by its configuration is looked for.",
    completion: .directory)
  var runs = "runs"

  @Flag(help: "Go on with the unfinished run in the folder.")
  var resume = false

  @Option(help: "The seed of initialisation, order and augmentation.")
  var seed: UInt64?

  @OptionGroup var settingOptions: SettingOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var outputs: OutputOptions
  @OptionGroup var tensorBoard: TensorBoardOption
  @OptionGroup var others: ProcessOptions
  @OptionGroup var reporting: ReportOptions

  func settings() throws -> Configuration {
    var overrides = settingOptions.all
    if let seed { overrides.own.append("training.seed=\(seed)") }
    return try Configuration.load(file: file(config), overrides: overrides)
  }

  func execute(_ settings: Configuration, command: String) throws {
    Threads.prepare(settings.training.threads)
    let runs = file(self.runs)
    let folder = RunFolder(
      out.map { file($0) } ?? runs.appending(path: "\(settings.name)/\(settings.repetition)"))
    try others.startOthers()
    let progress = RunProgress(quiet: outputs.quiet)
    progress.remarkOnCores(settings.training.threads)
    let group = try others.group(doing: [settings], progress)
    let library = data.library
    let run = TrainingRun(
      settings, folder: folder, library: library, runs: runs, group: group, logsForTensorBoard: tensorBoard.isWanted)
    let report = ReportKeeper(
      reporting, output: folder.report, runs: runs, .init(library: library), progress, quiet: outputs.quiet,
      study: {
        try ReportedStudy(
          folders: [folder.url], title: "\(settings.name) \(settings.repetition.replacing("-", with: " "))")
      })
    StopRequest.listen()
    let outcome: RunOutcome
    do {
      outcome = try run.run(
        resume: try resume || Launch.isRestarted, shouldStop: { StopRequest.isPending },
        onEvent: { event in
          try progress.show(event)
          report?.note(event)
        })
    } catch {
      progress.finish()
      throw error
    }
    progress.finish()
    switch outcome {
    case .stopped:
      report?.stop()
      progress.message("stopped and saved; go on with: \(again(command, folder))")
      try Membership.leave()
      throw ExitCode(StopRequest.exitStatus)
    case .finished(let result):
      guard group.rank.isFirst else { return }
      output(outputs.json ? try json(result, .result) : summary(result, folder))
      // The others need not wait for it.
      try Membership.leave()
      report?.finish()
    }
  }

  /// Another command for the same file.
  func command(_ name: String) -> String { ShellCommand.line([ShellCommand.program, name, config]) }

  /// The command that goes on with this run.
  private func again(_ command: String, _ folder: RunFolder) -> String {
    var words = [ShellCommand.program, command, config, "--out", folder.name] + settingOptions.words
    if let seed { words += ["--seed", "\(seed)"] }
    if let folder = data.folder { words += ["--data-dir", folder] }
    if runs != "runs" { words += ["--runs", runs] }
    if let processes = others.processes { words += ["--processes", "\(processes)"] }
    return ShellCommand.line(words + tensorBoard.words + ["--resume"])
  }

  private func summary(_ result: RunResult, _ folder: RunFolder) -> String {
    func figures(_ accuracy: Double, _ top5: Double) -> String {
      "\(Format.percentage(accuracy)) of \(result.images) \(result.evaluatedOn ?? "") images "
        + "(top-5 \(Format.percentage(top5)))"
    }
    let measured =
      result.accuracyPercent.map { figures($0, result.top5AccuracyPercent ?? $0) }
      ?? "trained, with no class to measure by"
    var lines = ["\(result.name): \(measured), \(Format.count(result.parameters)) parameters"]
    if let average = result.average {
      lines.append("moving average: \(figures(average.accuracyPercent, average.top5AccuracyPercent))")
    }
    if let best = result.best,
      best.accuracyPercent > max(result.accuracyPercent ?? 0, result.average?.accuracyPercent ?? 0)
    {
      lines.append(
        "best: \(Format.percentage(best.accuracyPercent)) after epoch \(best.epoch) of \(result.epochs) "
          + "(weights-best.safetensors)")
    }
    lines.append(
      "began \(Format.day(result.began)), ended \(Format.day(result.ended)), "
        + "\(Format.duration(result.seconds)) of training")
    let file = result.isAverageBetter ? folder.averageWeights : folder.weights
    return (lines + ["weights: \(folder.name)/\(file.lastPathComponent)"]).joined(separator: "\n")
  }
}
