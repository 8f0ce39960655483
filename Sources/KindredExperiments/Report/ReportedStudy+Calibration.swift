// How sure networks are, held against how often they are right.

import Foundation
import KindredReport

extension ReportedStudy {
  /// The reliability diagram and the expected calibration error.
  func calibrations(_ measured: MeasuredRuns) -> ReportSection {
    let rows = measuredRows(measured)
    guard let first = rows.first?.first.measured else {
      return ReportSection(
        id: "calibration", title: "Calibration", [.note(nothing(measured, "No run was measured."))])
    }
    let teachers = self.teachers(measured).map {
      (name: "teacher \($0.network.name)", [Calibration($0.network, $0.of.labels)])
    }
    let all =
      teachers + rows.map { row in (row.name, row.runs.map { Calibration($0.measured.student, $0.measured.labels) }) }
    var table = ReportTable(
      "Expected calibration error in percent",
      [.text("method"), .number("runs"), .number("ECE %"), .number("deviation"), .number("mean confidence %")])
    for (name, calibrations) in all {
      let errors = calibrations.map { $0.expectedError * 100 }
      func places(_ value: Double?) -> ReportTable.Cell {
        .init(value.map { Format.decimal($0, places: 2) } ?? Format.missing)
      }
      table.append([
        .init(name), "\(errors.count)", places(Statistics.mean(errors)), places(Statistics.deviation(errors)),
        places(Statistics.mean(calibrations.map { $0.meanConfidence * 100 })),
      ])
    }
    let diagonal = Chart.Series(
      name: "as sure as right", points: [.init(x: 0, y: 0), .init(x: 100, y: 100)], form: .guide)
    let chart = Chart(
      title: "Reliability", subtitle: "a row's first run; 15 bins of equal width",
      series: all.map { .init(name: $0.0, points: $0.1[0].points) } + [diagonal],
      x: .init(title: "confidence %", limits: 0...100), y: .init(title: "accuracy %", limits: 0...100), size: (300, 260)
    )
    let words = """
      Measured on \(first.extent). ECE is the sum over 15 bins of equal width of |B| / n times |accuracy(B) - confidence(B)|, \
      where B are the predictions whose largest softmax probability lies in the bin, n is their number in all, and the last \
      are means over B. Points below the diagonal are surer than right.
      """
    return ReportSection(
      id: "calibration", title: "Calibration",
      [
        .text(words), .table(table), .figures([chart.draw()]),
        .details(title: "The bins", isOpen: false, all.map { .table(bins($0.0, $0.1[0])) }),
      ])
  }

  private func bins(_ name: String, _ calibration: Calibration) -> ReportTable {
    var table = ReportTable(
      name, [.text("confidence %"), .number("images"), .number("mean confidence %"), .number("accuracy %")])
    for bin in calibration.bins where bin.count > 0 {
      let ends = [bin.range.lowerBound, bin.range.upperBound].map { Format.decimal($0 * 100, places: 1) }
      table.append([
        .init(ends.joined(separator: " to ")), "\(bin.count)", .init(Format.decimal(bin.confidence * 100, places: 1)),
        .init(Format.decimal(bin.accuracy * 100, places: 1)),
      ])
    }
    return table
  }
}

extension Calibration {
  fileprivate init(_ network: NetworkMeasurement, _ labels: [Int]) {
    self.init(
      confidences: network.confidences.map { Double($0) / 10_000 }, isCorrect: zip(network.predictions, labels).map(==))
  }

  fileprivate var meanConfidence: Double {
    let filled = bins.filter { $0.count > 0 }
    return filled.reduce(0) { $0 + Double($1.count) * $1.confidence } / Double(filled.reduce(0) { $0 + $1.count })
  }

  /// In percent, of the bins with something in them.
  fileprivate var points: [Chart.Measurement] {
    bins.filter { $0.count > 0 }.map { .init(x: $0.confidence * 100, y: $0.accuracy * 100) }
  }
}
