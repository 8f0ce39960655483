// What networks cost beside what they reach.

import Foundation
import KindredReport

extension ReportedStudy {
  /// Size, multiply-adds and time of an image, and accuracy against each.
  func costs(_ measured: MeasuredRuns) -> ReportSection {
    let entries = rows.compactMap { Cost($0, measured) }
    guard !entries.isEmpty else {
      return ReportSection(id: "cost", title: "Cost", [.note("No run is finished yet.")])
    }
    var table = ReportTable(
      "One image at a time, float32 on the CPU; milliseconds are medians of passes, and of the runs",
      [
        .text("method"), .text("network"), .number("accuracy %"), .number("parameters"), .number("multiply-adds"),
        .number("ms, 1 thread"), .number("ms, 2 threads"),
      ])
    let areMeasuredAlike = parts.count == 1
    for entry in entries {
      func milliseconds(_ threads: Int) -> ReportTable.Cell {
        .init(entry.latencies[threads].map { Format.value($0) } ?? Format.missing)
      }
      table.append([
        .init(entry.name), .init(entry.network),
        .init(
          areMeasuredAlike ? entry.accuracy.map { Format.decimal($0, places: 2) } ?? Format.missing : Format.missing),
        .init(Format.count(entry.parameters)), .init(Format.count(entry.multiplyAdds)), milliseconds(1),
        milliseconds(2),
      ])
    }
    let machines = runs.compactMap { measured[$0.folder.url]?.machine.withoutThreads }.uniqued
    let place =
      machines.isEmpty
      ? [ReportBlock.note("Times are not measured yet.")]
      : [
        .details(title: "The times of each run", isOpen: false, [.table(times(measured))]),
        .text("Times were measured on \(machines.joined(separator: "; ")), with whatever else it did then."),
      ]
    let charts = parts.flatMap { part in
      let entries = part.rows.compactMap { Cost($0, measured) }
      return [
        chart(entries, "parameters, millions") { Double($0.parameters) / 1e6 },
        chart(entries, "multiply-adds, millions") { Double($0.multiplyAdds) / 1e6 },
        chart(entries, "ms, one thread") { $0.latencies[1] },
        chart(entries, "ms, two threads") { $0.latencies[2] },
      ]
    }
    return ReportSection(
      id: "cost", title: "Cost", [.table(table)] + place + [.figures(charts.compactMap { $0?.draw() })])
  }

  private func times(_ measured: MeasuredRuns) -> ReportTable {
    var table = ReportTable(
      "Milliseconds of one image: the middle pass, and those that a quarter is below and above",
      [
        .text("method"), .text("run"), .number("threads"), .number("median"), .number("quartiles"), .number("passes"),
      ])
    for row in rows {
      for run in row.runs {
        for latency in measured[run.folder.url]?.student.latency ?? [] {
          table.append([
            .init(row.name), .init(run.repetition), "\(latency.threads)", .init(Format.value(latency.median)),
            .init("\(Format.value(latency.lowerQuartile)) to \(Format.value(latency.upperQuartile))"),
            "\(latency.passes)",
          ])
        }
      }
    }
    return table
  }

  private func chart(_ entries: [Cost], _ title: String, _ value: (Cost) -> Double?) -> Chart? {
    let series = entries.enumerated().compactMap { index, entry -> Chart.Series? in
      guard let x = value(entry), x > 0, let y = entry.accuracy else { return nil }
      return .init(name: entry.name, points: [.init(x: x, y: y, range: entry.interval)], form: .points, style: index)
    }
    guard !series.isEmpty else { return nil }
    let values = series.flatMap { $0.points.map(\.x) }
    let isWide = (values.max() ?? 1) >= 10 * (values.min() ?? 1)
    return Chart(
      title: "Accuracy over \(title)", subtitle: "mean and 95 % interval", series: series,
      x: .init(title: title, scale: isWide ? .logarithmic : .linear), y: .init(title: "accuracy %", limits: 0...100),
      size: (300, 200))
  }

  /// A row's cost and what it reaches.
  private struct Cost {
    let name: String
    let network: String
    /// In percent.
    let accuracy: Double?
    let interval: ClosedRange<Double>?
    let parameters: Int
    let multiplyAdds: Int
    /// Milliseconds by threads.
    let latencies: [Int: Double]

    init?(_ row: Row, _ measured: MeasuredRuns) {
      guard let result = row.runs.lazy.compactMap(\.result).first else { return nil }
      (name, network, parameters, multiplyAdds) = (row.name, result.network, result.parameters, result.multiplyAdds)
      accuracy = Statistics.mean(row.accuracies)
      interval = MeanInterval(row.accuracies).map { $0.low...$0.high }
      let all = row.runs.compactMap { measured[$0.folder.url]?.student.latency }
      latencies = [1, 2].reduce(into: [:]) { times, threads in
        times[threads] = Statistics.median(all.compactMap { one in one.first { $0.threads == threads }?.median })
      }
    }
  }
}

extension Machine {
  /// As `words`, of a measurement that sets its threads itself.
  fileprivate var withoutThreads: String { "\(processor), \(cores) \(cores == 1 ? "core" : "cores"), \(vectors)" }
}
