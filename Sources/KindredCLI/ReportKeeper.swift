// Keeps a report beside runs: its cheap part while they go on, the whole of it when they are done.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

/// Whether a command that trains writes a report.
struct ReportOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: "Write report.html beside what is trained, at most every ten seconds, and the whole of it at the end.")
  var report = true
}

/// Where a report finds the images of runs.
struct ReportedImages {
  let library: ImageLibrary
  /// A run's images where they lie now.
  var found: (Configuration.Images) -> Configuration.Images = { $0 }
}

/// A report that is written again and again. What goes wrong with it is said and ends nothing.
final class ReportKeeper {
  private let output: URL
  private let progress: RunProgress
  private let images: ReportedImages
  private let runs: URL
  private let isQuiet: Bool
  private let study: () throws -> ReportedStudy
  private var lastWritten: ContinuousClock.Instant?
  private var hasFailed = false

  /// nil where no report is wanted, or another process writes it.
  /// - Parameters:
  ///   - output: the page.
  ///   - runs: the folder of runs, in which teachers are looked for.
  ///   - images: has those that the runs were measured on.
  ///   - study: reads what there is now.
  init?(
    _ wanted: ReportOptions, output: URL, runs: URL, _ images: ReportedImages, _ progress: RunProgress, quiet: Bool,
    study: @escaping () throws -> ReportedStudy
  ) {
    guard wanted.report, Membership.isFirst else { return nil }
    (self.output, self.runs, self.images, self.progress) = (output, runs, images, progress)
    (isQuiet, self.study) = (quiet, study)
  }

  /// Writes what can be read without running a network, where the last time is ten seconds ago.
  func note(_ event: RunEvent) {
    guard case .training(.epoch) = event else { return }
    if let lastWritten, ContinuousClock.now - lastWritten < .seconds(10) { return }
    refresh()
  }

  private func refresh() {
    attempt { try Report(study()).quickPage(date: Date()).write(to: output) }
    lastWritten = .now
  }

  /// Writes what there is at a stop, where something was written before.
  func stop() {
    if lastWritten != nil { refresh() }
  }

  /// Writes the whole page.
  func finish() {
    attempt {
      let written = try writeReport(Report(study()), to: output, runs: runs, images, quiet: isQuiet)
      if written { progress.message("report: \(output.displayName)") }
    }
  }

  private func attempt(_ step: () throws -> Void) {
    do {
      try step()
    } catch {
      // Of a disk that stays full it is said once.
      if !hasFailed { note(oneLine("warning: the report \(output.displayName) was not written: \(error)")) }
      hasFailed = true
    }
  }

  private func note(_ line: String) { isQuiet ? KindredCLI.note(line) : progress.message(line) }
}

/// Makes the whole page of a report, with a line of progress where networks have to be measured. Returns whether it is
/// whole: not where a stop was asked for in between.
/// - Throws: `SystemError` where it cannot be written.
func writeReport(
  _ report: Report, to output: URL, runs: URL?, _ images: ReportedImages, quiet: Bool
) throws -> Bool {
  struct Stopped: Error {}
  let line = CheckProgressLine(quiet: quiet, doing: "measuring", of: "networks")
  do {
    let page = try report.page(date: Date(), library: images.library, found: images.found, runs: runs) { progress in
      if StopRequest.isPending { throw Stopped() }
      line.show(progress.done, of: progress.total)
    }
    line.finish()
    try page.write(to: output)
    return true
  } catch is Stopped {
    line.finish()
    try report.quickPage(date: Date()).write(to: output)
    return false
  }
}
