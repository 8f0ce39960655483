// Charts by name: where bars, marks and intervals lie, from numbers worked out by hand.

import KindredReport
import Testing

@Suite struct CategoryChartTests {
  /// From -10 to 20, and a twentieth of that on both sides: 33 units on 210 points.
  @Test func barsBeginAtZero() throws {
    let chart = CategoryChart(
      title: "gain", unit: "points", rows: [.init(name: "a", value: 20), .init(name: "b", value: -10)], form: .bars,
      isSigned: true)
    let svg = try ReadSVG(chart.draw())
    // The first is the page.
    let bars = Array(svg["rect"].dropFirst())
    let zero = svg["line"].isEmpty ? bars[0].number("x") : 0
    #expect(
      abs(bars[0].number("width") - 20 * 210 / 33) < 0.02 && abs(bars[1].number("width") - 10 * 210.0 / 33) < 0.02)
    #expect(abs(bars[1].number("x") + bars[1].number("width") - zero) < 0.02)
    #expect(svg.texts.contains("+20.00") && svg.texts.contains("-10.00"))
    #expect(svg["desc"][0].text == "points. a: +20.00; b: -10.00")
  }

  @Test func intervalsEndAtTheLimits() throws {
    let chart = CategoryChart(
      title: "accuracy", unit: "percent", rows: [.init(name: "a", value: 90, interval: 60...120)], form: .marks,
      limits: 0...100)
    #expect(chart.axis.highest == 100 && abs(chart.axis.lowest - 57) < 1e-9)
    let svg = try ReadSVG(chart.draw())
    #expect(svg["title"].map(\.text).contains("a: 90.00 (60.00 to 120.00)"))
    // A name is drawn beside its number, whatever it is.
    let none = CategoryChart(title: "t", unit: "u", rows: [.init(name: "a", value: .nan)], form: .marks)
    #expect(none.rows.isEmpty)
    _ = try ReadSVG(none.draw())
  }
}

@Suite struct LineTests {
  /// Epochs 1 to 3; the mean lies in a band from the lowest to the highest, of 2 to 8, so that the axis goes from 1.7 to 8.3.
  @Test func bandsGoFromTheLowestToTheHighest() throws {
    let points = [(1.0, 4.0, 2.0...6.0), (2, 5, 4...8), (3, 6, 6...7)].map {
      Chart.Measurement(x: $0.0, y: $0.1, range: $0.2)
    }
    let chart = Chart(
      title: "loss", subtitle: "", series: [.init(name: "sp", points: points, form: .line, style: 2)],
      x: .init(title: "epoch", isWhole: true), y: .init(title: "loss"), size: (300, 200))
    let svg = try ReadSVG(chart.draw())
    let band = try #require(svg["path"].first { $0.attributes["opacity"] == "0.16" })
    let places = (band.attributes["d"] ?? "").dropFirst().dropLast().split(separator: "L").map {
      $0.split(separator: " ").compactMap { Double($0) }
    }
    #expect(places.count == 6)
    // Over the first epoch the upper edge is first, the lower one last: 4 of 6.6 units of 200 points apart.
    #expect(abs(places[5][1] - places[0][1] - 4 / 6.6 * 200) < 0.03 && places[0][0] == places[5][0])
    // The third colour, as its style says, and whole epochs alone.
    #expect(band.attributes["fill"] == "#23875c")
    #expect(svg.texts.filter { Double($0) != nil }.prefix { $0 != "2" }.allSatisfy { !$0.hasPrefix("1.5") })
    #expect(["1", "2", "3"].allSatisfy(svg.texts.contains) && !svg.texts.contains("1.5"))
    #expect(svg["desc"][0].text.hasSuffix("sp: from 4.000 at 1 to 6.000 at 3"))
  }
}
