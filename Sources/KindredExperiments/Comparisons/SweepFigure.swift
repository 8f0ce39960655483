// The paper's figure of a weight: the accuracy of a study's rows over a value that they sweep.

import Foundation
import Kindred
import KindredReport

/// A chart of a study's finished runs.
package struct SweepFigure {
  private let chart: Chart
  /// What is not in the chart, a line each.
  package let remarks: [String]

  /// - Parameters:
  ///   - rows: a study's rows. Those that sweep one number become a series for each of the study's keys; those that sweep
  ///     nothing become lines.
  ///   - title: written above the chart.
  ///   - runs: the folder of runs.
  /// - Throws: `RunError` where no row sweeps a number, no run of those that do is finished, or one there is another
  ///   run; as `Comparison`.
  package init(_ rows: [Study.Row], title: String, runs: URL) throws {
    let drawn = rows.filter { $0.sweep.isEmpty || $0.sweptNumber != nil }
    guard drawn.contains(where: { !$0.sweep.isEmpty }) else {
      throw RunError("\(title): no row sweeps one number, as {weight: {sweep: [30, 100, auto]}} does")
    }
    let (measured, missing) = try Self.finished(drawn, in: Comparison(rows, runs: runs, library: ImageLibrary()))
    let folder = RunFolder(runs).name
    guard measured.contains(where: { !$0.row.sweep.isEmpty }) else {
      throw RunError("\(title): no run that sweeps is finished in \(folder); train them with kindred compare")
    }
    let others = Set(rows.map(\.key)).subtracting(drawn.map(\.key)).sorted()
    remarks = [
      missing.isEmpty ? nil : "not finished in \(folder): \(missing.joined(separator: ", "))",
      others.isEmpty ? nil : "not drawn, since they do not sweep one number: \(others.joined(separator: ", "))",
    ].compactMap { $0 }
    chart = try Self.chart(measured, title: title)
  }

  /// What rows came to, and the names of the runs that are not there yet.
  private static func finished(
    _ rows: [Study.Row], in comparison: Comparison
  ) throws -> (measured: [MeasuredRow], missing: [String]) {
    var (measured, missing) = ([MeasuredRow](), [String]())
    for row in rows {
      var results: [RunResult] = []
      for job in comparison.runs(of: row) {
        switch try comparison.finished(job) {
        case nil: missing.append("\(job.settings.name) \(job.settings.repetition.replacing("-", with: " "))")
        case (let result, nil)? where result.accuracyPercent != nil: results.append(result)
        case (_, nil)?:
          throw RunError(
            "\(job.folder.name): no image that it is measured on has a class, so that there is no accuracy")
        case (_, let difference?)?:
          throw RunError("\(job.folder.name) holds another run (\(difference)); name the study's folder with --runs")
        }
      }
      if !results.isEmpty { measured.append(MeasuredRow(row: row, results: results)) }
    }
    return (measured, missing)
  }

  /// The drawing.
  package func draw() -> SVGDocument { chart.draw() }

  private static func chart(_ rows: [MeasuredRow], title: String) throws -> Chart {
    let swept = rows.filter { !$0.row.sweep.isEmpty }
    var series: [(key: String, points: [Chart.Measurement])] = []
    for row in swept {
      let point = try row.point()
      if let index = series.firstIndex(where: { $0.key == row.row.key }) {
        series[index].points.append(point)
      } else {
        series.append((row.row.key, [point]))
      }
    }
    let values = series.flatMap { $0.points.map(\.x) }
    let (least, most) = (values.min() ?? 0, values.max() ?? 0)
    let counts = Set(rows.map(\.results.count)).sorted()
    let places = Set(rows.flatMap { $0.results.compactMap(\.evaluatedOn) }).sorted()
    return Chart(
      title: title, subtitle: subtitle(runs: counts), series: series.map { .init(name: $0.key, points: $0.points) },
      references: rows.filter(\.row.sweep.isEmpty).map {
        .init(name: $0.row.key, value: $0.mean, deviation: $0.deviation)
      },
      x: .init(
        title: commonEnd(swept.flatMap { $0.row.sweep.map(\.key) }),
        scale: least > 0 && most >= 10 * least ? .logarithmic : .linear),
      y: .init(title: "accuracy %, \(places.joined(separator: " and "))", limits: 0...100))
  }

  private static func subtitle(runs counts: [Int]) -> String {
    guard let least = counts.first, let most = counts.last, most > 1 else { return "One run each" }
    return "Mean and standard deviation of \(least == most ? "" : "\(least) to ")\(most) runs"
  }

  /// What the places of several values have in common: `weight` of `losses.sp.weight` and `losses.at.weight`.
  private static func commonEnd(_ keys: [String]) -> String {
    let paths = keys.map { $0.split(separator: ".").map(String.init) }
    guard let first = paths.first else { return "" }
    let length = (0...first.count).last { length in paths.allSatisfy { $0.suffix(length) == first.suffix(length) } }
    let end = first.suffix(length ?? 0).joined(separator: ".")
    return end.isEmpty ? "value" : end
  }
}

/// A row of a study, and its runs that are finished.
private struct MeasuredRow {
  let row: Study.Row
  let results: [RunResult]

  var mean: Double { Statistics.mean(accuracies) ?? .nan }
  var deviation: Double? { Statistics.deviation(accuracies) }

  /// In percent.
  private var accuracies: [Double] { results.compactMap(\.accuracyPercent) }

  /// Its place in a chart; a weight that its runs found lies at their mean.
  /// - Throws: `RunError` for runs that found none.
  func point() throws -> Chart.Measurement {
    switch row.sweptNumber {
    case .number(let value)?: return .init(x: value, y: mean, deviation: deviation)
    case .found(let term)?:
      let weights = results.compactMap { $0.lossWeights[term] }
      guard let weight = Statistics.mean(weights) else {
        throw RunError("\(row.settings.name): its runs found no weight of \(term)")
      }
      return .init(x: weight, y: mean, deviation: deviation, label: "auto (\(Format.short(weight)))")
    case nil: preconditionFailure("\(row.settings.name) sweeps no number")
    }
  }
}

extension Study.Row {
  fileprivate enum SweptNumber {
    case number(Double)
    /// The weight of a term that is found by calibration.
    case found(term: String)
  }

  /// The number that was chosen of the only sweep; nil where there is none, several, or another kind of value.
  fileprivate var sweptNumber: SweptNumber? {
    guard sweep.count == 1, let value = sweep.first else { return nil }
    if let number = Double(value.text), number.isFinite { return .number(number) }
    let path = value.key.split(separator: ".")
    guard value.text == "auto", path.count == 3, path[0] == "losses", path[2] == "weight" else { return nil }
    return .found(term: String(path[1]))
  }
}
