// Methods side by side: what was measured over all seeds, and how much of it the seeds alone explain.

import Foundation

/// What a row of a comparison is.
public enum ComparisonRole: String, Sendable, Codable {
  /// The network that was taught from.
  case teacher
  /// The student trained without a teacher: what the others are measured against.
  case baseline
  /// A student trained with a teacher.
  case student
}

/// One method's runs.
public struct ComparisonRow: Sendable, Equatable {
  /// The row's name.
  public let method: String
  /// What the row is.
  public let role: ComparisonRole
  /// Test accuracies in percent, one a seed.
  public let accuracies: [Double]
  /// The network's trainable numbers.
  public let parameters: Int
  /// Multiplications with addition for one image.
  public let multiplyAdds: Int
  /// Whatever else is to be said of the row.
  public let note: String?

  /// A row; accuracies may still be missing, as an empty list.
  public init(
    method: String, role: ComparisonRole = .student, accuracies: [Double], parameters: Int, multiplyAdds: Int,
    note: String? = nil
  ) {
    (self.method, self.role, self.accuracies) = (method, role, accuracies)
    (self.parameters, self.multiplyAdds, self.note) = (parameters, multiplyAdds, note)
  }
}

/// One method's runs and their summary, as `ComparisonTable.json` holds them. Accuracies are in percent, differences in
/// points of it.
public struct ComparisonSummary: Sendable, Codable, Equatable {
  /// The row's name.
  public let method: String
  /// What the row is.
  public let role: ComparisonRole
  /// One a seed.
  public let accuracies: [Double]
  /// How many accuracies there are.
  public let runs: Int
  /// None without runs, like the median, the best and the worst.
  public let mean: Double?
  /// Sample standard deviation; none for fewer than two runs.
  public let deviation: Double?
  /// The middle one, or the mean of the middle two.
  public let median: Double?
  /// The highest.
  public let best: Double?
  /// The lowest.
  public let worst: Double?
  /// Difference of the means to the baseline; none for the teacher and the baseline themselves.
  public let gain: Double?
  /// The network's trainable numbers.
  public let parameters: Int
  /// Multiplications with addition for one image.
  public let multiplyAdds: Int
  /// Whatever else is to be said of the row.
  public let note: String?

  fileprivate init(_ row: ComparisonRow, role: ComparisonRole, baselineMean: Double?) {
    self.role = role
    (method, accuracies, note) = (row.method, row.accuracies, row.note)
    (parameters, multiplyAdds) = (row.parameters, row.multiplyAdds)
    runs = accuracies.count
    mean = Statistics.mean(accuracies)
    deviation = Statistics.deviation(accuracies)
    median = Statistics.median(accuracies)
    (best, worst) = (accuracies.max(), accuracies.min())
    if role == .student, let mean, let baselineMean { gain = mean - baselineMean } else { gain = nil }
  }
}

/// A comparison as a table for a terminal, in Markdown, CSV and JSON. It claims no winner.
public struct ComparisonTable: Sendable {
  /// In the order of the rows given.
  public let summaries: [ComparisonSummary]
  /// Differences between students' means below this many points are within the seeds' spread: twice the standard error
  /// of a difference of two means. The deviation is pooled over all students with two runs or more, and the
  /// number of runs is that of the student with fewest. None if no student has two runs.
  public let resolution: Double?
  /// What else is to be said of the runs, a sentence each.
  public let remarks: [String]
  private let pooledDeviation: Double?

  /// The first row marked so is the baseline; further ones are students like the others. Without one there are no
  /// gains.
  public init(_ rows: [ComparisonRow], remarks: [String] = []) {
    self.remarks = remarks
    let baseline = rows.firstIndex { $0.role == .baseline }
    let baselineMean = baseline.flatMap { Statistics.mean(rows[$0].accuracies) }
    summaries = rows.enumerated().map { index, row in
      let role = row.role == .baseline && index != baseline ? .student : row.role
      return ComparisonSummary(row, role: role, baselineMean: baselineMean)
    }

    let groups = rows.filter { $0.role != .teacher && !$0.accuracies.isEmpty }.map(\.accuracies)
    let fewest = groups.map(\.count).min() ?? 0
    pooledDeviation = Statistics.pooledDeviation(groups)
    resolution = pooledDeviation.map { 2 * $0 * (2 / Double(fewest)).squareRoot() }
  }

  /// Aligned columns and what is to be said of the spread.
  public var text: String { "\(table.text)\n\((spread + remarks).joined(separator: "\n"))\n" }

  /// The same in Markdown.
  public var markdown: String { "\(table.markdown)\n\((spread + remarks).joined(separator: " "))\n" }

  /// One record a method after a head, numbers in full precision, the accuracies of the seeds apart by spaces.
  public var csv: String {
    let head = [
      "method", "role", "runs", "mean", "deviation", "median", "best", "worst", "gain", "parameters", "multiply_adds",
      "accuracies", "note",
    ]
    func full(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    return CSV.record(head)
      + summaries.map { row in
        CSV.record(
          [row.method, row.role.rawValue, "\(row.runs)"]
            + [row.mean, row.deviation, row.median, row.best, row.worst, row.gain].map(full)
            + ["\(row.parameters)", "\(row.multiplyAdds)"]
            + [row.accuracies.map { full($0) }.joined(separator: " "), row.note ?? ""])
      }.joined()
  }

  /// `{"methods": [ComparisonSummary], "remarks": [sentence], "resolution": points}`, keys sorted.
  /// - Throws: `EncodingError` if an accuracy is not finite.
  public func json() throws -> Data {
    struct Document: Encodable {
      let methods: [ComparisonSummary]
      let resolution: Double?
      let remarks: [String]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(Document(methods: summaries, resolution: resolution, remarks: remarks))
  }

  /// How large the seeds' spread is beside the gains, a sentence each.
  public var spread: [String] {
    guard let resolution, let pooledDeviation else {
      return ["No student has more than one run: how much of a difference is chance cannot be told."]
    }
    let deviation = Format.decimal(pooledDeviation, places: 2)
    return gainRange + [
      "The seeds' standard deviation is \(deviation) points, pooled over the students.",
      "Differences smaller than about \(Format.decimal(resolution, places: 2)) points (twice the pooled standard "
        + "error) are within the seeds' spread.",
    ]
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
        .number("worst"), .number("gain"), .number("parameters"), .number("multiply-adds"),
      ] + (hasNotes ? [.text("note")] : []))
    func places(_ value: Double?) -> String { value.map { Format.decimal($0, places: 2) } ?? Format.missing }
    for row in summaries {
      table.append(
        [row.method, "\(row.runs)"] + [row.mean, row.deviation, row.median, row.best, row.worst].map(places)
          + [gain(of: row), Format.count(row.parameters), Format.count(row.multiplyAdds)]
          + (hasNotes ? [row.note ?? ""] : []))
    }
    return table
  }

  private func gain(of row: ComparisonSummary) -> String {
    switch row.role {
    case .teacher, .baseline: row.role.rawValue
    case .student: row.gain.map { Format.signed($0, places: 2) } ?? Format.missing
    }
  }
}
