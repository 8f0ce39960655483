// Methods side by side: what was measured over all seeds, and how much of it the seeds alone explain.

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
  /// Test accuracies in percent, one a seed.
  package let accuracies: [Double]
  /// The mean in percent that was published for it.
  package let published: Double?
  /// The network's trainable numbers.
  package let parameters: Int
  /// Multiplications with addition for one image.
  package let multiplyAdds: Int
  /// Whatever else is to be said of the row.
  package let note: String?

  /// A row; accuracies may still be missing, as an empty list.
  package init(
    method: String, role: ComparisonRole = .student, network: String? = nil, accuracies: [Double],
    published: Double? = nil, parameters: Int, multiplyAdds: Int, note: String? = nil
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
}

/// One method's runs and their summary, as `ComparisonTable.json` holds them. Accuracies are in percent, differences in
/// points of it.
package struct ComparisonSummary: Sendable, Codable, Equatable {
  /// The row's name.
  package let method: String
  /// What the row is.
  package let role: ComparisonRole
  /// One a seed.
  package let accuracies: [Double]
  /// How many accuracies there are.
  package let runs: Int
  /// None without runs, like the median, the best and the worst.
  package let mean: Double?
  /// Sample standard deviation; none for fewer than two runs.
  package let deviation: Double?
  /// The middle one, or the mean of the middle two.
  package let median: Double?
  /// The highest.
  package let best: Double?
  /// The lowest.
  package let worst: Double?
  /// Difference of the means to the baseline; none for the teacher and the baseline themselves.
  package let gain: Double?
  /// The mean that was published.
  package let published: Double?
  /// How far the mean is above the published one, in standard deviations of the row's own runs; none for fewer than two runs,
  /// or runs without spread.
  package let difference: Double?
  /// The network's trainable numbers.
  package let parameters: Int
  /// Multiplications with addition for one image.
  package let multiplyAdds: Int
  /// Whatever else is to be said of the row.
  package let note: String?

  /// - Parameter wins: on how many of the row's runs it is ahead of the baseline's; nil where runs are not paired.
  fileprivate init(_ row: ComparisonRow, role: ComparisonRole, baselineMean: Double?, wins: Int?) {
    self.role = role
    (method, accuracies) = (row.method, row.accuracies)
    note = row.note ?? wins.map { "ahead on \($0) of \(row.accuracies.count)" }
    (parameters, multiplyAdds) = (row.parameters, row.multiplyAdds)
    runs = accuracies.count
    mean = Statistics.mean(accuracies)
    deviation = Statistics.deviation(accuracies)
    median = Statistics.median(accuracies)
    (best, worst) = (accuracies.max(), accuracies.min())
    if role == .student, let mean, let baselineMean { gain = mean - baselineMean } else { gain = nil }
    published = row.published
    if let mean, let published, let deviation, deviation > 0 {
      difference = (mean - published) / deviation
    } else {
      difference = nil
    }
  }
}

/// A comparison as a table for a terminal, in Markdown, CSV and JSON. It claims no winner.
package struct ComparisonTable: Sendable {
  /// In the order of the rows given.
  package let summaries: [ComparisonSummary]
  /// Differences between students' means below this many points are within the seeds' spread: twice the standard error
  /// of a difference of two means. The deviation is pooled over all students with two runs or more, and the
  /// number of runs is that of the student with fewest. None if no student has two runs.
  package let resolution: Double?
  /// What else is to be said of the runs, a sentence each.
  package let remarks: [String]
  /// Each row's network, where rows of several are told apart.
  let networks: [String?]
  private let pooledDeviation: Double?
  /// Whether `pooledDeviation` is that of differences between runs on one split.
  private let isPaired: Bool

  /// A student's baseline is the first row marked so that has the student's network, or else the first of all. A row
  /// that is marked and is nobody's baseline is a student like the others. Without one there are no gains.
  /// - Parameters:
  ///   - rows: in the table's order.
  ///   - isPaired: whether the n-th runs of all rows are alike in their images (one split each), and not only in a seed.
  ///   - remarks: what else is to be said, a sentence each.
  package init(_ rows: [ComparisonRow], isPaired: Bool = false, remarks: [String] = []) {
    (self.remarks, networks) = (remarks, rows.map(\.network))
    self.isPaired = isPaired
    let marked = rows.indices.filter { rows[$0].role == .baseline }
    func baseline(of row: ComparisonRow) -> Int? {
      marked.first { rows[$0].network == row.network } ?? marked.first
    }
    let used = Set(rows.filter { $0.role == .student }.compactMap(baseline) + marked.prefix(1))
    summaries = rows.enumerated().map { index, row in
      let isBaseline = used.contains(index)
      let other = isBaseline ? nil : row.role == .student ? baseline(of: row) : marked.first
      let role = row.role == .baseline && !isBaseline ? .student : row.role
      let differences = isPaired && role == .student ? row.differences(to: other.map { rows[$0] }) : nil
      return ComparisonSummary(
        row, role: role, baselineMean: other.flatMap { Statistics.mean(rows[$0].accuracies) },
        wins: differences?.count { $0 > 0 })
    }
    if isPaired {
      let groups = rows.indices.filter { !used.contains($0) && rows[$0].role != .teacher }.compactMap { index in
        rows[index].differences(to: baseline(of: rows[index]).map { rows[$0] })
      }
      pooledDeviation = Statistics.pooledDeviation(groups)
      resolution = pooledDeviation.map { 2 * $0 / Double(groups.map(\.count).min() ?? 1).squareRoot() }
      return
    }
    let groups = rows.filter { $0.role != .teacher && !$0.accuracies.isEmpty }.map(\.accuracies)
    let fewest = groups.map(\.count).min() ?? 0
    pooledDeviation = Statistics.pooledDeviation(groups)
    resolution = pooledDeviation.map { 2 * $0 * (2 / Double(fewest)).squareRoot() }
  }

  /// Aligned columns and what is to be said of the spread.
  package var text: String { "\(table.text)\n\((spread + remarks).joined(separator: "\n"))\n" }

  /// The same in Markdown.
  package var markdown: String { "\(table.markdown)\n\((spread + remarks).joined(separator: " "))\n" }

  /// The same with what it takes to make it again, for a page of its own or a request to merge.
  /// - Parameters:
  ///   - setting: what the accuracies are of, a sentence.
  ///   - command: the command that made it.
  ///   - versions: what made it, such as `kindred 0.1.0, libtorch 2.13.0`.
  package func summary(setting: String, command: String, versions: String) -> String {
    // A fence that no run of backticks in the command ends.
    let fence = command.contains("```") ? "~~~" : "```"
    return "\(setting)\n\n\(markdown)\n\(fence)sh\n\(command)\n\(fence)\n\n\(versions)\n"
  }

  /// One record a method after a head, numbers in full precision, the accuracies of the seeds apart by spaces.
  package var csv: String {
    let head =
      [
        "method", "role", "runs", "mean", "deviation", "median", "best", "worst", "gain",
      ]
      + (hasPublished ? ["published", "difference"] : [])
      + ["parameters", "multiply_adds", "accuracies", "note"]
    func full(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    return CSV.record(head)
      + summaries.map { row in
        CSV.record(
          [row.method, row.role.rawValue, "\(row.runs)"]
            + [row.mean, row.deviation, row.median, row.best, row.worst, row.gain].map(full)
            + (hasPublished ? [row.published, row.difference].map(full) : [])
            + ["\(row.parameters)", "\(row.multiplyAdds)"]
            + [row.accuracies.map { full($0) }.joined(separator: " "), row.note ?? ""])
      }.joined()
  }

  /// `{"methods": [ComparisonSummary], "remarks": [sentence], "resolution": points, "schema": name}`, keys sorted.
  /// - Throws: `EncodingError` if an accuracy is not finite.
  package func json() throws -> Data {
    struct Document: Encodable {
      let methods: [ComparisonSummary]
      let resolution: Double?
      let remarks: [String]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(
      JSONDocument(Document(methods: summaries, resolution: resolution, remarks: remarks), .comparison))
  }

  /// How large the seeds' spread is beside the gains, a sentence each.
  package var spread: [String] {
    guard summaries.contains(where: { $0.runs > 0 }) else { return [] }
    guard let resolution, let pooledDeviation else {
      if isPaired { return ["Gains could not be compared split by split."] }
      return ["No student has more than one run: how much of a difference is chance cannot be told."]
    }
    let deviation = Format.decimal(pooledDeviation, places: 2)
    if isPaired {
      return gainRange + publishedNote + [
        "On one split a student's gain differs from its mean by \(deviation) points (standard deviation, pooled over the "
          + "students).",
        "Mean gains smaller than about \(Format.decimal(resolution, places: 2)) points (twice their standard error) are "
          + "within the splits' spread.",
      ]
    }
    return gainRange + publishedNote + [
      "The seeds' standard deviation is \(deviation) points, pooled over the students.",
      "Differences smaller than about \(Format.decimal(resolution, places: 2)) points (twice the pooled standard "
        + "error) are within the seeds' spread.",
    ]
  }

  var hasPublished: Bool { summaries.contains { $0.published != nil } }

  private var publishedNote: [String] {
    guard summaries.contains(where: { $0.difference != nil }) else { return [] }
    return ["The difference to a published mean is in standard deviations of the row's own seeds."]
  }

  private var gainRange: [String] {
    let gains = summaries.compactMap(\.gain)
    guard let least = gains.min(), let most = gains.max() else { return [] }
    let range = [least, most].map { Format.signed($0, places: 2) }
    return gains.count == 1
      ? ["The gain over the plain student is \(range[0]) points."]
      : ["Gains over the plain student go from \(range[0]) to \(range[1]) points."]
  }

  private var table: TextTable {
    let hasNotes = summaries.contains { $0.note != nil }
    var table = TextTable(
      [
        .text("method"), .number("runs"), .number("mean %"), .number("deviation"), .number("median"), .number("best"),
        .number("worst"), .number("gain"),
      ] + (hasPublished ? [.number("published"), .number("difference")] : [])
        + [.number("parameters"), .number("multiply-adds")] + (hasNotes ? [.text("note")] : []))
    func places(_ value: Double?) -> String { value.map { Format.decimal($0, places: 2) } ?? Format.missing }
    for row in summaries {
      table.append(
        [row.method, "\(row.runs)"] + [row.mean, row.deviation, row.median, row.best, row.worst].map(places)
          + [gain(of: row)] + (hasPublished ? [places(row.published), difference(of: row)] : [])
          + [Format.count(row.parameters), Format.count(row.multiplyAdds)]
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
    case .student: row.gain.map { Format.signed($0, places: 2) } ?? Format.missing
    }
  }
}
