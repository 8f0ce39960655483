// Methods side by side: what was measured over all seeds, and how much of it the seeds alone explain.

import Files
import Foundation

/// What a row of a comparison is.
package enum ComparisonRole: String, Sendable, Codable {
  /// The network that was taught from.
  case teacher
  /// The student trained without a teacher: what the others are measured against.
  case baseline
  /// A student trained with a teacher.
  case student
}

/// One method's runs.
package struct ComparisonRow: Sendable, Equatable {
  /// The row's name.
  package let method: String
  /// What the row is.
  package let role: ComparisonRole
  /// The network, where rows of several are told apart.
  package let network: String?
  /// Accuracies in percent, one a seed.
  package let accuracies: [Double]
  /// The mean in percent that was published for it.
  package let published: Double?
  /// The network's trainable numbers; nil where they are not known.
  package let parameters: Int?
  /// Multiplications with addition for one image; nil where they are not known.
  package let multiplyAdds: Int?
  /// Whatever else is to be said of the row.
  package let note: String?

  /// A row; accuracies may still be missing, as an empty list.
  package init(
    method: String, role: ComparisonRole = .student, network: String? = nil, accuracies: [Double],
    published: Double? = nil, parameters: Int?, multiplyAdds: Int?, note: String? = nil
  ) {
    (self.method, self.role, self.network) = (method, role, network)
    (self.accuracies, self.published) = (accuracies, published)
    (self.parameters, self.multiplyAdds, self.note) = (parameters, multiplyAdds, note)
  }
}

extension ComparisonRow {
  /// Its accuracies' differences to another's, run by run; nil where there is none with as many runs.
  fileprivate func differences(to other: ComparisonRow?) -> [Double]? {
    guard let other, other.accuracies.count == accuracies.count, accuracies.count > 1 else { return nil }
    return zip(accuracies, other.accuracies).map { $0 - $1 }
  }

  /// The difference of its mean to another's, with the interval that both rows' own deviations leave it, or, where runs
  /// are paired, the deviation of their differences; nil for too few runs, or runs without spread.
  fileprivate func lead(over other: ComparisonRow, isPaired: Bool) -> MeanInterval? {
    isPaired
      ? differences(to: other).flatMap { MeanInterval($0) } : MeanInterval(of: accuracies, less: other.accuracies)
  }
}

/// One method's runs and their summary, as `ComparisonTable.json` holds them.
package struct ComparisonSummary: Sendable, Codable, Equatable {
  /// The row's name.
  package let method: String
  /// What the row is.
  package let role: ComparisonRole
  /// One a seed.
  package let accuraciesPercent: [Double]
  /// How many accuracies there are.
  package let runs: Int
  /// None without runs, like the median, the best and the worst.
  package let meanPercent: Double?
  /// Sample standard deviation; none for fewer than two runs.
  package let deviationPoints: Double?
  /// The middle one, or the mean of the middle two.
  package let medianPercent: Double?
  /// The highest.
  package let bestPercent: Double?
  /// The lowest.
  package let worstPercent: Double?
  /// Difference of the means to the baseline; none for the teacher and the baseline themselves.
  package let gainPoints: Double?
  /// The half-width of the gain's interval of 95 %: a smaller gain may be chance. None where there are too few runs.
  package let gainMarginPoints: Double?
  /// The mean that was published.
  package let publishedPercent: Double?
  /// How far the mean is above the published one, in standard deviations of the row's own runs; none for fewer than two runs,
  /// or runs without spread.
  package let difference: Double?
  /// The network's trainable numbers.
  package let parameters: Int?
  /// Multiplications with addition for one image.
  package let multiplyAdds: Int?
  /// Whatever else is to be said of the row.
  package let note: String?

  /// - Parameter baseline: what the row is measured against; nil for nothing.
  fileprivate init(_ row: ComparisonRow, role: ComparisonRole, baseline: ComparisonRow?, isPaired: Bool) {
    self.role = role
    method = row.method
    (parameters, multiplyAdds) = (row.parameters, row.multiplyAdds)
    let accuracies = row.accuracies
    let (mean, deviation) = (Statistics.mean(accuracies), Statistics.deviation(accuracies))
    runs = accuracies.count
    accuraciesPercent = accuracies.map(Percent.rounded)
    (meanPercent, deviationPoints) = (mean.map(Percent.rounded), deviation.map(Percent.rounded))
    medianPercent = Statistics.median(accuracies).map(Percent.rounded)
    (bestPercent, worstPercent) = (accuracies.max().map(Percent.rounded), accuracies.min().map(Percent.rounded))
    publishedPercent = row.published
    if let mean, let published = row.published, let deviation, deviation > 0 {
      difference = Percent.rounded((mean - published) / deviation)
    } else {
      difference = nil
    }
    guard role == .student, let baseline, let mean, let other = Statistics.mean(baseline.accuracies) else {
      (gainPoints, gainMarginPoints, note) = (nil, nil, row.note)
      return
    }
    gainPoints = Percent.rounded(mean - other)
    gainMarginPoints = row.lead(over: baseline, isPaired: isPaired).map { Percent.rounded($0.high - $0.mean) }
    let wins = isPaired ? row.differences(to: baseline)?.count { $0 > 0 } : nil
    note = row.note ?? wins.map { "ahead on \($0) of \(accuracies.count)" }
  }

  /// Whether the gain may be chance; nil where that cannot be told.
  fileprivate var isGainWithinSpread: Bool? {
    guard let gainPoints, let gainMarginPoints else { return nil }
    return abs(gainPoints) <= gainMarginPoints
  }
}

/// When the runs of a comparison began and ended, and how long they took.
package struct ComparisonPeriod: Sendable, Equatable {
  /// As `2026-11-27T01:28:00Z`.
  package let began: String
  package let ended: String
  /// All runs together, without pauses.
  package let seconds: Double

  /// - Parameters:
  ///   - began: when the first run began.
  ///   - ended: when the last one ended.
  ///   - seconds: of all of them together.
  package init(began: String, ended: String, seconds: Double) {
    (self.began, self.ended, self.seconds) = (began, ended, seconds)
  }

  var sentence: String {
    "Trained from \(Format.day(began)) to \(Format.day(ended)), \(Format.duration(seconds)) for all runs together."
  }
}

/// A comparison as a table for a terminal, in Markdown, CSV and JSON. It claims no winner.
package struct ComparisonTable: Sendable {
  /// In the order of the rows given.
  package let summaries: [ComparisonSummary]
  /// What the accuracies are of, a sentence; empty for nothing.
  package let setting: String
  /// What else is to be said of the runs, a sentence each.
  package let remarks: [String]
  private let period: ComparisonPeriod?
  private let rows: [ComparisonRow]
  /// Whether the n-th runs of all rows are compared with each other.
  private let isPaired: Bool

  /// A student's baseline is the first row marked so that has the student's network, or else the first of all. A row
  /// that is marked and is nobody's baseline is a student like the others. Without one there are no gains.
  /// - Parameters:
  ///   - rows: in the table's order.
  ///   - setting: what the accuracies are of, a sentence.
  ///   - isPaired: whether the n-th runs of all rows are alike in their images (one split each), and not only in a seed.
  ///   - remarks: what else is to be said, a sentence each.
  ///   - period: when the runs were made.
  package init(
    _ rows: [ComparisonRow], setting: String = "", isPaired: Bool = false, remarks: [String] = [],
    period: ComparisonPeriod? = nil
  ) {
    (self.rows, self.setting, self.isPaired) = (rows, setting, isPaired)
    (self.remarks, self.period) = (remarks, period)
    let marked = rows.indices.filter { rows[$0].role == .baseline }
    func baseline(of row: ComparisonRow) -> Int? {
      marked.first { rows[$0].network == row.network } ?? marked.first
    }
    let used = Set(rows.filter { $0.role == .student }.compactMap(baseline) + marked.prefix(1))
    summaries = rows.enumerated().map { index, row in
      let isBaseline = used.contains(index)
      let other = isBaseline ? nil : row.role == .student ? baseline(of: row) : marked.first
      let role = row.role == .baseline && !isBaseline ? .student : row.role
      return ComparisonSummary(row, role: role, baseline: other.map { rows[$0] }, isPaired: isPaired)
    }
  }

  /// What the accuracies are of, aligned columns, and what is to be said of the spread.
  package var text: String { heading + table.text + closing(apart: "\n") }

  /// The same in Markdown.
  package var markdown: String { heading + table.markdown + closing(apart: " ") }

  private var heading: String { setting.isEmpty ? "" : "\(setting)\n\n" }

  private func closing(apart separator: String) -> String {
    let sentences = spread + remarks + [period?.sentence].compactMap(\.self)
    return sentences.isEmpty ? "" : "\n\(sentences.joined(separator: separator))\n"
  }

  /// The same with what it takes to make it again, for a page of its own or a request to merge.
  /// - Parameters:
  ///   - command: the command that made it.
  ///   - versions: what made it, such as `kindred 0.1.0, libtorch 2.13.0`.
  package func summary(command: String, versions: String) -> String {
    // A fence that no run of backticks in the command ends.
    let fence = command.contains("```") ? "~~~" : "```"
    return "\(markdown)\n\(fence)sh\n\(command)\n\(fence)\n\n\(versions)\n"
  }

  /// One record a method after a head, the accuracies of the seeds apart by spaces.
  package var csv: String {
    let head =
      [
        "method", "role", "runs", "mean_percent", "deviation_points", "median_percent", "best_percent", "worst_percent",
        "gain_points", "gain_margin_points",
      ]
      + (hasPublished ? ["published_percent", "difference"] : [])
      + ["parameters", "multiply_adds", "accuracies_percent", "note"]
    func text(_ value: (some CustomStringConvertible)?) -> String { value.map { "\($0)" } ?? "" }
    return CSV.record(head)
      + summaries.map { row in
        CSV.record(
          [row.method, row.role.rawValue, "\(row.runs)"]
            + [
              row.meanPercent, row.deviationPoints, row.medianPercent, row.bestPercent, row.worstPercent,
              row.gainPoints, row.gainMarginPoints,
            ].map { text($0) }
            + (hasPublished ? [row.publishedPercent, row.difference].map { text($0) } : [])
            + [text(row.parameters), text(row.multiplyAdds)]
            + [row.accuraciesPercent.map { text($0) }.joined(separator: " "), row.note ?? ""])
      }.joined()
  }

  /// `{"began": moment, "ended": moment, "methods": [ComparisonSummary], "remarks": [sentence], "schema": name,
  /// "seconds": number, "setting": sentence}`, keys sorted.
  /// - Throws: `EncodingError` if an accuracy is not finite.
  package func json() throws -> Data {
    struct Document: Encodable {
      let setting: String
      let methods: [ComparisonSummary]
      let remarks: [String]
      let began: String?
      let ended: String?
      let seconds: Double?
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(
      JSONDocument(
        Document(
          setting: setting, methods: summaries, remarks: remarks, began: period?.began, ended: period?.ended,
          seconds: period?.seconds), .comparison))
  }

  /// How large the gains are, and which of them the runs cannot tell from chance, a sentence each.
  package var spread: [String] {
    guard summaries.contains(where: { $0.runs > 0 }) else { return [] }
    guard rivals.contains(where: { $0.accuracies.count > 1 }) else {
      return findings + ["No student has more than one run: how much of a difference is chance cannot be told."]
    }
    return findings + marginSentences + leadSentences
  }

  /// How large the gains are, and what a difference to a published mean is in.
  package var findings: [String] { gainRange + publishedNote }

  /// The rows that are compared with each other.
  private var rivals: [ComparisonRow] { rows.filter { $0.role != .teacher } }

  private var marginSentences: [String] {
    let students = summaries.filter { $0.gainPoints != nil }
    let told = students.filter { $0.isGainWithinSpread != nil }
    let untold = students.filter { $0.isGainWithinSpread == nil }.map(\.method)
    let (way, spread) =
      isPaired
      ? ("of the differences split by split", "splits'") : ("from both rows' own deviations (Welch's t)", "seeds'")
    let within = told.filter { $0.isGainWithinSpread == true }.map(\.method)
    let words =
      within.isEmpty
      ? "every gain is larger than that" : "gains within it, which the \(spread) spread explains: " + list(within)
    return
      (told.isEmpty ? [] : ["± is the half-width of a gain's 95 % interval, \(way); \(words)."])
      + (untold.isEmpty ? [] : ["Too few runs to tell from chance, or none that differ: \(list(untold))."])
  }

  /// Which students the one with the highest mean does not lead beyond chance, for each network with several.
  private var leadSentences: [String] {
    let hasGains = summaries.contains { $0.gainPoints != nil }
    let groups = rivals.filter { $0.accuracies.count > 1 }.reduce(into: [[ComparisonRow]]()) { groups, row in
      if let index = groups.firstIndex(where: { $0[0].network == row.network }) {
        groups[index].append(row)
      } else {
        groups.append([row])
      }
    }
    return groups.compactMap { group in
      // Of a student and its baseline alone the gain has said it.
      guard group.count > (hasGains ? 2 : 1), let best = group.max(by: { $0.mean < $1.mean }) else { return nil }
      let close = group.filter { $0.method != best.method && !isAhead(best, of: $0) }.map(\.method)
      return close.isEmpty
        ? "\(best.method) is ahead of all others by more than that explains."
        : "\(best.method) has the highest mean, and cannot be told from \(list(close))."
    }
  }

  private func list(_ names: [String]) -> String { names.joined(separator: ", ") }

  /// Whether a row's lead over another is more than their spread explains.
  private func isAhead(_ row: ComparisonRow, of other: ComparisonRow) -> Bool {
    (row.lead(over: other, isPaired: isPaired)?.low ?? 0) > 0
  }

  /// The rows that are ahead of every other of the same network by more than chance explains.
  var leaders: Set<Int> {
    let students = rows.indices.filter { rows[$0].role != .teacher && !rows[$0].accuracies.isEmpty }
    return Set(
      students.filter { index in
        let others = students.filter { $0 != index && rows[$0].network == rows[index].network }
        return !others.isEmpty && others.allSatisfy { isAhead(rows[index], of: rows[$0]) }
      })
  }

  /// Whether there are runs enough for one to lead.
  var canTell: Bool { rivals.contains { $0.accuracies.count > 1 } }

  var hasPublished: Bool { summaries.contains { $0.publishedPercent != nil } }

  private var publishedNote: [String] {
    guard summaries.contains(where: { $0.difference != nil }) else { return [] }
    return ["The difference to a published mean is in standard deviations of the row's own seeds."]
  }

  private var gainRange: [String] {
    let gains = summaries.compactMap(\.gainPoints)
    guard let least = gains.min(), let most = gains.max() else { return [] }
    let range = [least, most].map { Format.signed($0, places: 2) }
    return gains.count == 1
      ? ["The gain over the plain student is \(range[0]) points."]
      : ["Gains over the plain student go from \(range[0]) to \(range[1]) points."]
  }

  private var table: TextTable {
    let hasNotes = summaries.contains { $0.note != nil }
    let hasMargins = summaries.contains { $0.gainMarginPoints != nil }
    var table = TextTable(
      [
        .text("method"), .number("runs"), .number("mean %"), .number("deviation"), .number("median"), .number("best"),
        .number("worst"), .number("gain"),
      ] + (hasMargins ? [.number("±")] : [])
        + (hasPublished ? [.number("published"), .number("difference")] : [])
        + [.number("parameters"), .number("multiply-adds")] + (hasNotes ? [.text("note")] : []))
    func places(_ value: Double?) -> String { value.map { Format.decimal($0, places: 2) } ?? Format.missing }
    for row in summaries {
      table.append(
        [row.method, "\(row.runs)"]
          + [row.meanPercent, row.deviationPoints, row.medianPercent, row.bestPercent, row.worstPercent].map(places)
          + [gain(of: row)] + (hasMargins ? [row.gainMarginPoints.map { Format.decimal($0, places: 2) } ?? ""] : [])
          + (hasPublished ? [places(row.publishedPercent), difference(of: row)] : [])
          + [row.parameters, row.multiplyAdds].map { $0.map(Format.count) ?? Format.missing }
          + (hasNotes ? [row.note ?? ""] : []))
    }
    return table
  }

  private func difference(of row: ComparisonSummary) -> String {
    row.difference.map { Format.signed($0, places: 1) } ?? Format.missing
  }

  private func gain(of row: ComparisonSummary) -> String {
    switch row.role {
    case .teacher, .baseline: row.role.rawValue
    case .student: row.gainPoints.map { Format.signed($0, places: 2) } ?? Format.missing
    }
  }
}

extension ComparisonRow {
  fileprivate var mean: Double { Statistics.mean(accuracies) ?? -.infinity }
}
