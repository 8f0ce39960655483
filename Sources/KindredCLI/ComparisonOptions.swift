// What `kindred compare` and `kindred run` share: options, and the way from rows to a table and a page.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

struct ComparisonOptions: ParsableArguments {
  @Flag(help: "Show the runs that are missing, and what they are expected to take; train nothing.")
  var dryRun = false

  @OptionGroup var settings: SettingOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var outputs: OutputOptions
  @OptionGroup var tensorBoard: TensorBoardOption
  @OptionGroup var others: ProcessOptions
  @OptionGroup var reporting: ReportOptions

  /// The page on a comparison.
  struct Page {
    let file: URL
    let title: String
    /// The command that makes the same comparison again.
    let command: String
  }

  /// Trains what is missing, or shows it, and writes table and page.
  /// - Parameters:
  ///   - runs: the folder of runs.
  ///   - recordsTeachers: whether a teacher that several runs hear over the same batches is recorded once.
  ///   - last: what is done when the table is shown, by the first process alone.
  func carryOut(
    _ rows: [Study.Row], in runs: URL, recordsTeachers: Bool = true, page: Page,
    last: (Comparison) throws -> Void = { _ in }
  ) throws {
    let (threads, library) = (rows[0].settings.training.threads, data.library)
    Threads.prepare(threads)
    if dryRun {
      let comparison = try Comparison(rows, runs: runs, library: library, recordsTeachers: recordsTeachers)
      return output(try StudyView.text(rows, comparison), terminator: "")
    }
    try others.startOthers()
    let progress = RunProgress(quiet: outputs.quiet)
    progress.remarkOnCores(threads)
    let group = try others.group(doing: rows.map(\.settings), progress)
    let comparison = try Comparison(
      rows, runs: runs, library: library, recordsTeachers: recordsTeachers, group: group,
      logsForTensorBoard: tensorBoard.isWanted)
    remarkOnTeachers(of: comparison, progress)
    let report = ReportKeeper(
      reporting, output: page.file, runs: runs, .init(library: library), progress, quiet: outputs.quiet,
      study: { ReportedStudy(comparison, title: page.title, command: page.command) })
    try execute(comparison, progress, report, quiet: outputs.quiet, again: "the same command")
    guard group.rank.isFirst else { return }
    var ending = Ending()
    try ending.show(comparison, in: RunFolder(runs), json: outputs.json)
    // The others need not wait for what follows.
    try Membership.leave()
    report?.finish()
    ending.attempt { try last(comparison) }
    try ending.finish()
  }

  /// Says that a short trial's teacher is to be a long one.
  private func remarkOnTeachers(of comparison: Comparison, _ progress: RunProgress) {
    guard let epochs = settings.epochs else { return }
    let longer = comparison.jobs.first {
      $0.isTeacher && !$0.folder.hasResult && $0.settings.training.epochs > epochs
    }
    guard let longer else { return }
    progress.message(
      "the teacher \(longer.settings.name) is to be trained for \(longer.settings.training.epochs) epochs: --epochs is for "
        + "the compared runs; --teacher-set training.epochs=\(epochs) reaches teachers")
  }
}
