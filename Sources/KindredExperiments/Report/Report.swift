// A report on runs: what their folders say, and what their networks say when they are asked once.

import Foundation
import Kindred
import KindredReport
import KindredVision

/// Makes pages of a study.
package struct Report {
  private let study: ReportedStudy

  package init(_ study: ReportedStudy) { self.study = study }

  /// The page of what folders say: no network is run, and no image is read.
  package func quickPage(date: Date) -> ReportPage {
    page([study.results, study.curves, study.costs([:]), study.settings, study.remarks([])], date)
  }

  /// What a whole page tells on the way.
  package struct Progress {
    /// Networks that are measured, and how many there are.
    package let done: Int
    package let total: Int
    package let name: String
  }

  /// The whole page. Runs that were not measured before are, which may take a while.
  /// - Parameter date: is asked when all is measured.
  /// - Throws: whatever `onProgress` throws.
  package func page(
    date: @autoclosure () -> Date, library: ImageLibrary,
    found: @escaping (Configuration.Images) -> Configuration.Images = { $0 },
    runs: URL? = nil, onProgress: (Progress) throws -> Void = { _ in }
  ) rethrows -> ReportPage {
    let meter = RunMeter(library: library, found: found, runs: runs)
    var (measured, problems) = (MeasuredRuns(), [String]())
    let finished = study.runs.filter { $0.result != nil }
    for (index, run) in finished.enumerated() {
      if meter.kept(of: run) == nil {
        try onProgress(Progress(done: index, total: finished.count, name: run.title))
      }
      do {
        let measurement = try meter.measure(run)
        measured[run.folder.url] = measurement
        if let remark = measurement.remark { problems.append("measured: \(remark)") }
      } catch {
        problems.append("\(run.title) could not be measured: \(error)")
      }
    }
    let thumbnails = Thumbnails(meter)
    return page(
      [
        study.results, study.curves, study.similarities(measured, thumbnails), study.classes(measured),
        study.confusions(measured, thumbnails), study.calibrations(measured), study.alignments(measured),
        study.channels(measured), study.costs(measured), study.settings, study.remarks(problems),
      ], date())
  }

  private func page(_ sections: [ReportSection], _ date: Date) -> ReportPage {
    let runs = study.runs
    let done = runs.count { $0.result != nil }
    let planned = study.rows.map(\.planned).reduce(0, +)
    let sets = runs.map(\.settings.data.name).uniqued.joined(separator: ", ")
    let count = done == planned ? "\(done) \(done == 1 ? "run" : "runs")" : "\(done) of \(planned) runs finished"
    return ReportPage(
      title: study.title,
      subtitle: "\(count) on \(sets.isEmpty ? "no images yet" : sets), by Kindred \(kindredVersion)",
      date: date, isUnfinished: !study.isFinished, sections: sections)
  }
}

/// What was measured, by the runs' folders.
typealias MeasuredRuns = [URL: RunMeasurement]

/// The images of runs, small.
final class Thumbnails {
  private let meter: RunMeter

  init(_ meter: RunMeter) { self.meter = meter }

  /// - Parameter indices: among the images that the run was measured on.
  /// - Throws: `RunError`, `DataError`.
  func pictures(of run: ReportedRun, _ indices: [Int], side: Int) throws -> [Picture] {
    let images = try meter.images(of: run.settings).measured
    return try indices.map { index in
      guard index < images.count else { throw RunError("the images are others now") }
      return try Picture(
        width: images.width, height: images.height, channels: images.channels, bytes: images.image(at: index)
      ).thumbnail(side)
    }
  }
}
