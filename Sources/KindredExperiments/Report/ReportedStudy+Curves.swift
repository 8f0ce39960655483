// The course of training in a report: accuracies, every term of the loss and learning rates, epoch by epoch.

import Foundation
import Kindred
import KindredReport

extension ReportedStudy {
  /// Whatever `metrics.jsonl` has.
  var curves: ReportSection {
    let charts = curveCharts.compactMap { Curve($0, rows) }
    guard !charts.isEmpty else {
      return ReportSection(id: "training", title: "Training", [.note("No epoch is over yet.")])
    }
    let several = rows.contains { $0.runs.count > 1 }
    let words =
      several
      ? "Lines are means over a row's runs, bands go from the lowest to the highest run." : "One run each: no bands."
    return ReportSection(
      id: "training", title: "Training",
      [
        .text(words + " Terms of the loss are as they are before their weights."), .figures(charts.map(\.figure)),
        .details(title: "The numbers", isOpen: false, charts.map { .table($0.table) }),
      ])
  }

  private var curveCharts: [CurveKind] {
    let terms = Set(runs.flatMap { $0.epochs.flatMap(\.terms.keys) }).subtracting(["loss"]).sorted()
    let named = terms.map { term in
      CurveKind(title: "loss term \(term)", unit: "mean over the epoch") { $0.terms[term] }
    }
    return [
      CurveKind(title: "accuracy", unit: "percent") { $0.accuracyPercent },
      CurveKind(title: "accuracy of the moving average", unit: "percent") { $0.averageAccuracyPercent },
      CurveKind(title: "accuracy on training batches", unit: "percent") { $0.trainingAccuracyPercent },
      CurveKind(title: "loss, weighted total", unit: "mean over the epoch") { $0.terms["loss"] },
    ] + named + [
      CurveKind(title: "loss of the evaluation", unit: "cross-entropy") { $0.evaluationLoss },
      CurveKind(title: "learning rate", unit: "learning rate") { $0.learningRate },
      CurveKind(title: "gradient norm", unit: "before clipping") { $0.gradientNorm },
    ]
  }
}

/// A number that epochs have.
private struct CurveKind {
  let title: String
  let unit: String
  let value: (LoggedEpoch) -> Double?
}

/// A number over epochs, a line for each row that has it.
private struct Curve {
  private let kind: CurveKind
  private let lines: [(name: String, style: Int, points: [Chart.Measurement])]

  init?(_ kind: CurveKind, _ rows: [ReportedStudy.Row]) {
    self.kind = kind
    lines = rows.enumerated().map { ($1.name, $0, Self.points(of: $1, kind.value)) }.filter { !$0.2.isEmpty }
    if lines.isEmpty { return nil }
  }

  private static func points(
    of row: ReportedStudy.Row, _ value: (LoggedEpoch) -> Double?
  ) -> [Chart.Measurement] {
    var values: [Int: [Double]] = [:]
    for run in row.runs {
      for epoch in run.epochs {
        if let value = value(epoch), Axis.holds(value) { values[epoch.epoch, default: []].append(value) }
      }
    }
    let epochs = values.keys.sorted()
    return thinned(epochs, to: 100).compactMap { epoch in
      guard let all = values[epoch], let mean = Statistics.mean(all), let low = all.min(), let high = all.max() else {
        return nil
      }
      return Chart.Measurement(x: Double(epoch), y: mean, range: all.count > 1 ? low...high : nil)
    }
  }

  /// Evenly, the last one always.
  private static func thinned<Element>(_ all: [Element], to count: Int) -> [Element] {
    let stride = (all.count + count - 1) / max(count, 1)
    return stride <= 1 ? all : all.indices.filter { (all.count - 1 - $0) % stride == 0 }.map { all[$0] }
  }

  var figure: SVGDocument {
    Chart(
      title: kind.title, subtitle: kind.unit,
      series: lines.map { .init(name: $0.name, points: $0.points, form: .line, style: $0.style) },
      x: .init(title: "epoch", isWhole: true), y: .init(title: kind.unit), size: (300, 200)
    ).draw()
  }

  /// A mean, and what it is the mean of from the lowest to the highest.
  private func words(_ point: Chart.Measurement) -> String {
    let range = point.range.map { " (\(Format.value($0.lowerBound)) to \(Format.value($0.upperBound)))" } ?? ""
    return Format.value(point.y) + range
  }

  var table: ReportTable {
    var table = ReportTable(kind.title, [.number("epoch")] + lines.map { .number($0.name) })
    let epochs = Set(lines.flatMap { $0.points.map(\.x) }).sorted()
    for epoch in Self.thinned(epochs, to: 20) {
      table.append(
        [.init(String(format: "%g", epoch))]
          + lines.map { line in
            .init(line.points.first { $0.x == epoch }.map(words) ?? Format.missing)
          })
    }
    return table
  }
}
