// A comparison in all its forms, on numbers whose summary can be worked out by hand.

import Foundation
import KindredReport
import Testing

@Suite struct ComparisonTableTests {
  /// Deviations of 1 and 2 over three runs each: the squared standard error of the difference is (1 + 4) / 3 = 5/3, with
  /// (5/3)^2 / ((1/3)^2 / 2 + (4/3)^2 / 2) = 50/17 degrees of freedom, whose 97.5 % quantile of t is 3.2188 (scipy): a margin of
  /// 4.1554.
  private let rows = [
    ComparisonRow(
      method: "teacher", role: .teacher, accuracies: [95.25], parameters: 691_674, multiplyAdds: 101_000_000),
    ComparisonRow(
      method: "plain", role: .baseline, accuracies: [87, 88, 89], parameters: 175_994, multiplyAdds: 27_300_000),
    ComparisonRow(
      method: "KD, T = 4", accuracies: [91.5, 87.5, 89.5], parameters: 175_994, multiplyAdds: 27_300_000, note: "a|b"),
    ComparisonRow(
      method: "SP", accuracies: [87.5, 87.5, 87.5, 87.5], parameters: 175_994, multiplyAdds: 27_300_000),
  ]

  @Test func terminal() {
    #expect(
      ComparisonTable(
        rows.dropLast(), setting: "On ten images.",
        period: ComparisonPeriod(began: "2026-11-27T01:28:00Z", ended: "2026-11-27T03:00:05Z", seconds: 3601)
      ).text == """
        On ten images.

        method     runs  mean %  deviation  median   best  worst      gain     ±  parameters  multiply-adds  note
        ---------  ----  ------  ---------  ------  -----  -----  --------  ----  ----------  -------------  ----
        teacher       1   95.25          –   95.25  95.25  95.25   teacher            0.69 M          101 M
        plain         3   88.00       1.00   88.00  89.00  87.00  baseline            0.18 M         27.3 M
        KD, T = 4     3   89.50       2.00   89.50  91.50  87.50     +1.50  4.16      0.18 M         27.3 M  a|b

        The gain over the plain student is +1.50 points.
        ± is the half-width of a gain's 95 % interval, from both rows' own deviations (Welch's t); gains within it, which \
        the seeds' spread explains: KD, T = 4.
        Trained from 2026-11-27 01:28:00 UTC to 2026-11-27 03:00:05 UTC, 1:00:01 for all runs together.

        """)
  }

  /// A row that scatters six times as much as another has a wider margin of its own: the issue that pooling hides.
  @Test func eachRowHasItsOwnSpread() {
    func row(_ method: String, _ role: ComparisonRole, _ middle: Double, _ spread: Double) -> ComparisonRow {
      ComparisonRow(
        method: method, role: role, accuracies: [middle - spread, middle, middle + spread], parameters: 1,
        multiplyAdds: 1)
    }
    let table = ComparisonTable([
      row("plain", .baseline, 30, 1), row("calm", .student, 36, 1), row("wild", .student, 37, 6),
    ])
    // Four degrees of freedom: t 2.7764 times sqrt(2 / 3); and 1369 * 2 / 1297 of them: t 4.0929 times sqrt(37 / 3) (scipy).
    #expect(table.summaries.map(\.gainMarginPoints) == [nil, 2.267, 14.3738])
    #expect(table.spread[1].hasSuffix("gains within it, which the seeds' spread explains: wild."))
    #expect(table.spread[2] == "wild has the highest mean, and cannot be told from plain, calm.")
  }

  /// Gains of 1, 2 and 3 points, and of -2, 2 and 3: deviations 1 and sqrt(7), and t of two degrees of freedom, 4.3027.
  @Test func runsOnTheSameSplitAreComparedInPairs() {
    let plain = ComparisonRow(
      method: "plain", role: .baseline, accuracies: [50, 60, 70], parameters: 1, multiplyAdds: 1)
    let at = ComparisonRow(method: "at", accuracies: [51, 62, 73], parameters: 1, multiplyAdds: 1)
    let sp = ComparisonRow(method: "sp", accuracies: [48, 62, 73], parameters: 1, multiplyAdds: 1)
    let table = ComparisonTable([plain, at, sp], isPaired: true)
    #expect(table.summaries.map(\.note) == [nil, "ahead on 3 of 3", "ahead on 2 of 3"])
    let margins = [1, 7.0.squareRoot()].map { (4.302653 * $0 / 3.0.squareRoot() * 10_000).rounded() / 10_000 }
    #expect(table.summaries.map(\.gainMarginPoints) == [nil] + margins)
    #expect(table.spread[1].contains("split by split; gains within it, which the splits' spread explains: at, sp."))
  }

  @Test func markdown() {
    #expect(
      ComparisonTable([rows[0], rows[1]], setting: "On ten images.").markdown == """
        On ten images.

        | method  | runs | mean % | deviation | median |  best | worst |     gain | parameters | multiply-adds |
        | ------- | ---: | -----: | --------: | -----: | ----: | ----: | -------: | ---------: | ------------: |
        | teacher |    1 |  95.25 |         – |  95.25 | 95.25 | 95.25 |  teacher |     0.69 M |         101 M |
        | plain   |    3 |  88.00 |      1.00 |  88.00 | 89.00 | 87.00 | baseline |     0.18 M |        27.3 M |

        """)
  }

  @Test func csv() {
    let head =
      "method,role,runs,mean_percent,deviation_points,median_percent,best_percent,worst_percent,gain_points,"
      + "gain_margin_points,parameters,multiply_adds,accuracies_percent,note"
    #expect(
      ComparisonTable(rows.dropLast()).csv.components(separatedBy: "\r\n") == [
        head,
        "teacher,teacher,1,95.25,,95.25,95.25,95.25,,,691674,101000000,95.25,",
        "plain,baseline,3,88.0,1.0,88.0,89.0,87.0,,,175994,27300000,87.0 88.0 89.0,",
        "\"KD, T = 4\",student,3,89.5,2.0,89.5,91.5,87.5,1.5,4.1554,175994,27300000,91.5 87.5 89.5,a|b",
        "",
      ])
  }

  @Test func json() throws {
    struct Document: Decodable {
      let methods: [ComparisonSummary]
    }
    let table = ComparisonTable(rows)
    let read = try JSONDecoder().decode(Document.self, from: table.json())
    #expect(read.methods == table.summaries)
    #expect(read.methods.map(\.gainPoints) == [nil, nil, 1.5, -0.5])
    #expect(read.methods.map(\.deviationPoints) == [nil, 1, 2, 0])

    let text = try String(decoding: table.json(), as: UTF8.self)
    let keys = text.split(separator: "\n").compactMap { $0.contains("\" :") ? $0.split(separator: "\"")[1] : nil }
    #expect(Array(keys[1...4]) == ["accuraciesPercent", "bestPercent", "meanPercent", "medianPercent"])

    // 293 of 1000 and 1 of 3 as they are, and not as binary fractions have them.
    let odd = ComparisonRow(method: "odd", accuracies: [0.293 * 100, 100.0 / 3], parameters: 1, multiplyAdds: 1)
    let summary = try String(decoding: ComparisonTable([odd]).json(), as: UTF8.self)
    #expect(summary.contains("29.3,") && summary.contains("33.3333") && !summary.contains("29.2999"))
  }

  @Test func gainsOfSeveralMethods() {
    #expect(ComparisonTable(rows).spread[0] == "Gains over the plain student go from -0.50 to +1.50 points.")
  }

  /// Mean 89.5 and deviation 2: 1.5 deviations below 92.5. One run has no spread to measure in, nor have four equal ones.
  @Test func aPublishedNumberStandsBesideOurs() throws {
    let kd = ComparisonRow(
      method: "KD", accuracies: [91.5, 87.5, 89.5], published: 92.5, parameters: 1, multiplyAdds: 1)
    let once = ComparisonRow(method: "AT", accuracies: [50], published: 50.5, parameters: 1, multiplyAdds: 1)
    let equal = ComparisonRow(method: "SP", accuracies: [60, 60], published: 61, parameters: 1, multiplyAdds: 1)
    let none = ComparisonRow(method: "DIST", accuracies: [60, 61], parameters: 1, multiplyAdds: 1)
    let table = ComparisonTable([kd, once, equal, none])
    #expect(table.summaries.map(\.difference) == [-1.5, nil, nil, nil])
    let lines = table.text.split(separator: "\n").map {
      $0.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    #expect(lines[0].suffix(4) == ["published", "difference", "parameters", "multiply-adds"])
    #expect(
      lines[2...5].map { Array($0[8...9]) } == [["92.50", "-1.5"], ["50.50", "–"], ["61.00", "–"], ["–", "–"]])
    #expect(table.csv.split(separator: "\r\n")[1].hasPrefix("KD,student,3,89.5,2.0,89.5,91.5,87.5,,,92.5,-1.5,1,1,"))
    let json = try String(decoding: table.json(), as: UTF8.self)
    #expect(json.contains("\"difference\" : -1.5") && json.contains("\"publishedPercent\" : 92.5"))
    #expect(table.spread.contains { $0.hasPrefix("The difference to a published mean is in standard deviations") })
  }

  /// A student gains over the plain one of its own network.
  @Test func aBaselineForEachNetwork() {
    func row(_ method: String, _ role: ComparisonRole, _ network: String, _ accuracy: Double) -> ComparisonRow {
      ComparisonRow(
        method: method, role: role, network: network, accuracies: [accuracy], parameters: 1, multiplyAdds: 1)
    }
    let table = ComparisonTable([
      row("small", .baseline, "wrn-16-1", 60), row("wide", .baseline, "wrn-16-2", 70),
      row("kd", .student, "wrn-16-2", 71),
      row("deep", .baseline, "wrn-40-1", 68), row("sp", .student, "wrn-28-1", 63),
    ])
    #expect(table.summaries.map(\.role) == [.baseline, .baseline, .student, .student, .student])
    #expect(table.summaries.map(\.gainPoints) == [nil, nil, 1, 8, 3])
  }

  /// A row of one run has a gain, and nothing to tell it from chance by.
  @Test func aSingleRunTellsNothing() {
    let once = ComparisonRow(method: "AT", accuracies: [50], parameters: nil, multiplyAdds: nil)
    let table = ComparisonTable([rows[1], rows[2], once])
    #expect(table.summaries[2].gainPoints == -38 && table.summaries[2].gainMarginPoints == nil)
    #expect(table.spread.contains("Too few runs to tell from chance, or none that differ: AT."))
    #expect(table.csv.contains("\r\nAT,student,1,50.0,,50.0,50.0,50.0,-38.0,,,,50.0,\r\n"))
  }

  @Test func withoutSpreadOrBaseline() {
    let once = ComparisonRow(method: "SP", accuracies: [50], parameters: 1, multiplyAdds: 1)
    let never = ComparisonRow(method: "AT", accuracies: [], parameters: 1, multiplyAdds: 1)
    let table = ComparisonTable([once, never])
    #expect(table.summaries.allSatisfy { $0.gainPoints == nil })
    #expect(
      table.text == """
        method  runs  mean %  deviation  median   best  worst  gain  parameters  multiply-adds
        ------  ----  ------  ---------  ------  -----  -----  ----  ----------  -------------
        SP         1   50.00          –   50.00  50.00  50.00     –           1              1
        AT         0       –          –       –      –      –     –           1              1

        No student has more than one run: how much of a difference is chance cannot be told.

        """)
  }

  @Test func secondBaselineIsAStudent() {
    let other = ComparisonRow(method: "wider", role: .baseline, accuracies: [90], parameters: 1, multiplyAdds: 1)
    let table = ComparisonTable([rows[1], other])
    #expect(table.summaries.map(\.role) == [.baseline, .student])
    #expect(table.summaries.map(\.gainPoints) == [nil, 2])
  }
}
