// What sections of a report ask of measured runs, by rows.

import Foundation
import KindredReport

extension ReportedStudy {
  /// A row with what was measured of its runs.
  struct MeasuredRow {
    let row: Row
    let runs: [(run: ReportedRun, measured: RunMeasurement)]

    var name: String { row.name }
    /// The first run, which stands for the row where one is shown.
    var first: (run: ReportedRun, measured: RunMeasurement) { runs[0] }
  }

  /// The rows whose networks were asked about images.
  func measuredRows(_ measured: MeasuredRuns) -> [MeasuredRow] {
    rows.compactMap { row in
      let runs = row.runs.compactMap { run in
        measured[run.folder.url].flatMap { $0.labels.isEmpty ? nil : (run: run, measured: $0) }
      }
      return runs.isEmpty ? nil : MeasuredRow(row: row, runs: runs)
    }
  }

  /// The rows that learnt from a teacher.
  func students(_ measured: MeasuredRuns) -> [MeasuredRow] {
    measuredRows(measured).filter { $0.first.run.settings.teacher != nil }
  }

  /// The networks that students learnt from, each once, without those that are rows.
  func teachers(_ measured: MeasuredRuns) -> [(network: NetworkMeasurement, of: RunMeasurement, run: ReportedRun)] {
    let rows = measuredRows(measured)
    var known = Set(rows.flatMap { $0.runs.map(\.measured.student.digest) })
    return rows.flatMap(\.runs).compactMap { run, measured in
      guard let teacher = measured.teacher, known.insert(teacher.digest).inserted else { return nil }
      return (teacher, measured, run)
    }
  }

  /// Whose images are those of most: what is shown side by side is of one set.
  func alike(_ rows: [MeasuredRow]) -> (rows: [MeasuredRow], leftOut: [String]) {
    guard let first = rows.first else { return ([], []) }
    let alike = rows.filter { $0.first.measured.labels == first.first.measured.labels }
    let others = rows.filter { $0.first.measured.labels != first.first.measured.labels }.map(\.name)
    return (alike, others.isEmpty ? [] : ["Measured on other images, and not here: \(others.joined(separator: ", "))."])
  }

  /// Why no section of this kind can be made.
  func nothing(_ measured: MeasuredRuns, _ otherwise: String) -> String {
    if runs.allSatisfy({ $0.result == nil }) { return "No run is finished yet." }
    if measured.isEmpty { return "The networks could not be measured; see the end of the page." }
    return measuredRows(measured).isEmpty ? "No image that the runs are measured on has a class." : otherwise
  }
}

extension RunMeasurement {
  /// On how many images, and of how many.
  var extent: String {
    labels.count == imagesInAll
      ? "all \(imagesInAll) \(imagesName) images"
      : "\(labels.count) of the \(imagesInAll) \(imagesName) images, every class in its own proportion"
  }

  /// An image in a few words.
  func title(_ index: Int) -> String { "\(className(labels[index])), image \(index)" }

  func className(_ label: Int) -> String { classNames.indices.contains(label) ? classNames[label] : "class \(label)" }

  /// The share of a class that a network gets right, in percent; nil for a class without images.
  func accuracy(of network: NetworkMeasurement, in label: Int) -> Double? {
    let own = labels.indices.filter { labels[$0] == label }
    guard !own.isEmpty else { return nil }
    return 100 * Double(own.count { network.predictions[$0] == label }) / Double(own.count)
  }
}
