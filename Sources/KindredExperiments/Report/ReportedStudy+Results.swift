// The results of a report: the table, and which differences the runs can tell from chance.

import Foundation
import KindredReport

extension ReportedStudy {
  /// The accuracies.
  var results: ReportSection {
    guard rows.contains(where: { !$0.accuracies.isEmpty }) else {
      let isMeasured = runs.contains { $0.result != nil }
      return ReportSection(
        id: "results", title: "Results",
        [
          .note(
            isMeasured ? "No image that the runs are measured on has a class." : "No run is finished yet.")
        ] + progress)
    }
    let parts = parts
    let apart = ReportBlock.note(
      "Rows that were measured on other images stand apart: their accuracies are not to be compared.")
    return ReportSection(
      id: "results", title: "Results", progress + (parts.count > 1 ? [apart] : []) + parts.flatMap(\.resultBlocks))
  }

  /// The table of rows that are to be compared.
  private var resultBlocks: [ReportBlock] {
    let table = self.table
    let findings = table.findings.isEmpty ? [] : [ReportBlock.list(table.findings)]
    return [.text(table.setting), .table(accuracyTable(table))] + findings + comparisons + [.figures(resultFigures)]
  }

  /// How far runs are that go on.
  private var progress: [ReportBlock] {
    let open = rows.filter { row in row.runs.count < row.planned || row.runs.contains { $0.result == nil } }
    guard !open.isEmpty else { return [] }
    var table = ReportTable(
      "Runs that are not finished", [.text("method"), .text("run"), .text("epochs"), .text("last accuracy")])
    for row in open {
      for run in row.runs where run.result == nil {
        let accuracy = run.epochs.last { $0.accuracyPercent != nil }?.accuracyPercent
        table.append([
          .init(row.name), .init(run.repetition), "\(run.epochs.last?.epoch ?? 0) of \(run.settings.training.epochs)",
          .init(accuracy.map(Format.percentage) ?? Format.missing),
        ])
      }
      let missing = row.planned - row.runs.count
      if missing > 0 { table.append([.init(row.name), "\(missing) to come", "", ""]) }
    }
    return [.table(table)]
  }

  private func accuracyTable(_ table: ComparisonTable) -> ReportTable {
    let hasPublished = rows.contains { $0.published != nil }
    var result = ReportTable(
      "Accuracy in percent; the interval is the mean's, of 95 %, by Student's t over the runs",
      [
        .text("method"), .number("runs"), .number("mean"), .number("interval"), .number("deviation"), .number("median"),
        .number("best"), .number("worst"), .number("gain"),
      ] + (hasPublished ? [.number("published")] : []))
    func places(_ value: Double?) -> ReportTable.Cell {
      .init(value.map { Format.decimal($0, places: 2) } ?? Format.missing)
    }
    for row in table.summaries {
      let interval = MeanInterval(row.accuraciesPercent).map { $0.text() } ?? Format.missing
      let gain =
        row.gainPoints.map { Format.signed($0, places: 2) }
        ?? (row.role == .student ? Format.missing : row.role.rawValue)
      result.append(
        [.init(row.method), "\(row.runs)", places(row.meanPercent), .init(interval)]
          + [row.deviationPoints, row.medianPercent, row.bestPercent, row.worstPercent].map(places) + [.init(gain)]
          + (hasPublished ? [places(row.publishedPercent)] : []))
    }
    return result
  }

  /// A row against another.
  private struct Difference {
    let row: String
    let other: String
    /// How many runs share a seed and a split; nil for two samples that are not paired.
    let pairs: Int?
    /// In points; nil where there are too few runs.
    let interval: MeanInterval?
    let mean: Double

    var verdict: String {
      guard let interval else { return "too few runs to tell, or none differ" }
      guard !interval.coversZero else { return "not distinguishable" }
      return interval.mean > 0 ? "higher" : "lower"
    }

    /// Paired where at least two runs share their seed, since what a seed does to both falls out of their difference.
    init?(_ row: Row, _ other: Row) {
      let theirs = Dictionary(other.measured.map { ($0.pairing, $0.accuracy ?? 0) }) { first, _ in first }
      let pairs = row.measured.compactMap { run in theirs[run.pairing].map { (run.accuracy ?? 0) - $0 } }
      guard let own = Statistics.mean(row.accuracies), let mean = Statistics.mean(other.accuracies) else { return nil }
      (self.row, self.other) = (row.name, other.name)
      let isPaired = pairs.count > 1
      self.pairs = isPaired ? pairs.count : nil
      interval = isPaired ? MeanInterval(pairs) : MeanInterval(of: row.accuracies, less: other.accuracies)
      self.mean = interval?.mean ?? own - mean
    }
  }

  private var comparisons: [ReportBlock] {
    let students = rows.filter { $0.role != .teacher && !$0.accuracies.isEmpty }
    let gains = students.compactMap { row in baseline(of: row).flatMap { Difference(row, $0) } }
    let pairs = students.indices.flatMap { first in
      students.indices.dropFirst(first + 1).compactMap { Difference(students[$0], students[first]) }
    }
    guard !pairs.isEmpty else { return [] }
    let told = gains.isEmpty ? pairs : gains
    let words = """
      Differences are in points of accuracy. Where at least two runs of both share their seed and split, the interval is that \
      of their differences (paired); else that of two means with spreads of their own (Welch). "Not distinguishable" is said \
      where the interval of 95 % covers 0: such a difference, or none, may be all there is. Each interval stands for one \
      comparison alone; of twenty of rows that are the same, one would be told apart by chance.
      """
    let all: [ReportBlock] =
      gains.isEmpty || pairs.count <= gains.count
      ? []
      : [
        .details(
          title: "Every student against every other", isOpen: false, [.table(table(pairs, "Differences of all pairs"))])
      ]
    return [.table(table(told, gains.isEmpty ? "Differences" : "Gains over the plain student")), .text(words)] + all
  }

  private func table(_ differences: [Difference], _ caption: String) -> ReportTable {
    var table = ReportTable(
      caption,
      [
        .text("method"), .text("against"), .text("compared"), .number("difference"), .number("interval"), .number("p"),
        .text("the runs say"),
      ])
    for one in differences {
      table.append([
        .init(one.row), .init(one.other), .init(one.pairs.map { "\($0) pairs" } ?? "means"),
        .init(Format.signed(one.mean, places: 2)), .init(one.interval?.text(isSigned: true) ?? Format.missing),
        .init(one.interval.map { Format.decimal($0.p, places: 3) } ?? Format.missing), .init(one.verdict),
      ])
    }
    return table
  }

  private var resultFigures: [SVGDocument] {
    let measured = rows.filter { !$0.accuracies.isEmpty }
    let accuracies = CategoryChart(
      title: "Accuracy", unit: "percent; mean and 95 % interval",
      rows: measured.map { row in
        .init(
          name: row.name, value: Statistics.mean(row.accuracies) ?? .nan,
          interval: MeanInterval(row.accuracies).map { $0.low...$0.high })
      }, form: .marks, limits: 0...100)
    let gains = measured.compactMap { row in baseline(of: row).flatMap { Difference(row, $0) } }
    guard !gains.isEmpty else { return [accuracies.draw()] }
    let chart = CategoryChart(
      title: "Gain over the plain student", unit: "points; 95 % interval",
      rows: gains.map { .init(name: $0.row, value: $0.mean, interval: $0.interval.map { $0.low...$0.high }) },
      form: .marks,
      isSigned: true)
    return [accuracies.draw(), chart.draw()]
  }
}

extension MeanInterval {
  /// As tables have it.
  func text(isSigned: Bool = false) -> String {
    let ends = [low, high].map { isSigned ? Format.signed($0, places: 2) : Format.decimal($0, places: 2) }
    return "\(ends[0]) to \(ends[1])"
  }
}
