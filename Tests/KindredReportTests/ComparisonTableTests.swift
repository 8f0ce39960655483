// A comparison in all its forms, on numbers whose summary can be worked out by hand.

import Foundation
import KindredReport
import Testing

@Suite struct ComparisonTableTests {
  /// Deviations -1, 0, 1 and -2, 0, 2: pooled variance (2 + 8) / 4 = 2.5; twice the standard error of a difference
  /// of means over three runs is 2 sqrt(2.5 * 2 / 3) = 2.58.
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
      ComparisonTable(rows.dropLast()).text == """
        method     runs  mean %  deviation  median   best  worst      gain  parameters  multiply-adds  note
        ---------  ----  ------  ---------  ------  -----  -----  --------  ----------  -------------  ----
        teacher       1   95.25          –   95.25  95.25  95.25   teacher      0.69 M          101 M
        plain         3   88.00       1.00   88.00  89.00  87.00  baseline      0.18 M         27.3 M
        KD, T = 4     3   89.50       2.00   89.50  91.50  87.50     +1.50      0.18 M         27.3 M  a|b

        The gain over the plain student is +1.50 points.
        The seeds' standard deviation is 1.58 points, pooled over the students.
        Differences smaller than about 2.58 points (twice the pooled standard error) are within the seeds' spread.

        """)
  }

  /// Gains of 1, 2 and 3 points, and of -2, 2 and 3: deviations 1 and sqrt(7), pooled 2, twice the standard error 2.31.
  @Test func runsOnTheSameSplitAreComparedInPairs() {
    let plain = ComparisonRow(
      method: "plain", role: .baseline, accuracies: [50, 60, 70], parameters: 1, multiplyAdds: 1)
    let at = ComparisonRow(method: "at", accuracies: [51, 62, 73], parameters: 1, multiplyAdds: 1)
    let sp = ComparisonRow(method: "sp", accuracies: [48, 62, 73], parameters: 1, multiplyAdds: 1)
    let table = ComparisonTable([plain, at, sp], isPaired: true)
    #expect(table.summaries.map(\.note) == [nil, "ahead on 3 of 3", "ahead on 2 of 3"])
    #expect(abs((table.resolution ?? 0) - 2 * 2 / 3.0.squareRoot()) < 1e-12)
    #expect(table.spread[1].contains("by 2.00 points") && table.spread[2].contains("about 2.31 points"))
  }

  @Test func markdown() {
    #expect(
      ComparisonTable([rows[0], rows[1]]).markdown == """
        | method  | runs | mean % | deviation | median |  best | worst |     gain | parameters | multiply-adds |
        | ------- | ---: | -----: | --------: | -----: | ----: | ----: | -------: | ---------: | ------------: |
        | teacher |    1 |  95.25 |         – |  95.25 | 95.25 | 95.25 |  teacher |     0.69 M |         101 M |
        | plain   |    3 |  88.00 |      1.00 |  88.00 | 89.00 | 87.00 | baseline |     0.18 M |        27.3 M |

        The seeds' standard deviation is 1.00 points, pooled over the students. \
        Differences smaller than about 1.63 points (twice the pooled standard error) are within the seeds' spread.

        """)
  }

  @Test func csv() {
    let head =
      "method,role,runs,mean,deviation,median,best,worst,gain,parameters,multiply_adds,accuracies,note"
    #expect(
      ComparisonTable(rows.dropLast()).csv.components(separatedBy: "\r\n") == [
        head,
        "teacher,teacher,1,95.25,,95.25,95.25,95.25,,691674,101000000,95.25,",
        "plain,baseline,3,88.0,1.0,88.0,89.0,87.0,,175994,27300000,87.0 88.0 89.0,",
        "\"KD, T = 4\",student,3,89.5,2.0,89.5,91.5,87.5,1.5,175994,27300000,91.5 87.5 89.5,a|b",
        "",
      ])
  }

  @Test func json() throws {
    struct Document: Decodable {
      let methods: [ComparisonSummary]
      let resolution: Double
    }
    let table = ComparisonTable(rows)
    let read = try JSONDecoder().decode(Document.self, from: table.json())
    #expect(read.methods == table.summaries)
    #expect(read.resolution == table.resolution)
    #expect(read.methods.map(\.gain) == [nil, nil, 1.5, -0.5])
    #expect(read.methods.map(\.deviation) == [nil, 1, 2, 0])

    let text = try String(decoding: table.json(), as: UTF8.self)
    let keys = text.split(separator: "\n").compactMap { $0.contains("\" :") ? $0.split(separator: "\"")[1] : nil }
    #expect(Array(keys[1...4]) == ["accuracies", "best", "mean", "median"])
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
    #expect(table.csv.split(separator: "\r\n")[1].hasPrefix("KD,student,3,89.5,2.0,89.5,91.5,87.5,,92.5,-1.5,1,1,"))
    let json = try String(decoding: table.json(), as: UTF8.self)
    #expect(json.contains("\"difference\" : -1.5") && json.contains("\"published\" : 92.5"))
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
    #expect(table.summaries.map(\.gain) == [nil, nil, 1, 8, 3])
  }

  /// The student with fewest runs decides, and the teacher's runs say nothing of the students'.
  @Test func resolutionIsCautious() throws {
    let teacher = ComparisonRow(
      method: "teacher", role: .teacher, accuracies: [10, 90], parameters: 1, multiplyAdds: 1)
    let once = ComparisonRow(method: "AT", accuracies: [50], parameters: 1, multiplyAdds: 1)
    let resolution = try #require(ComparisonTable([teacher, rows[1], once]).resolution)
    #expect(abs(resolution - 2 * 2.0.squareRoot()) < 1e-12)
  }

  @Test func withoutSpreadOrBaseline() {
    let once = ComparisonRow(method: "SP", accuracies: [50], parameters: 1, multiplyAdds: 1)
    let never = ComparisonRow(method: "AT", accuracies: [], parameters: 1, multiplyAdds: 1)
    let table = ComparisonTable([once, never])
    #expect(table.resolution == nil)
    #expect(table.summaries.allSatisfy { $0.gain == nil })
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
    #expect(table.summaries.map(\.gain) == [nil, 2])
  }
}
