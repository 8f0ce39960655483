// Charts: ticks and places against numbers worked out by hand.

import Foundation
import KindredReport
import Testing

@Suite struct AxisTests {
  /// The range of values, and what is written: a twentieth more on both sides decides what lies inside.
  @Test(
    arguments: [
      ([0, 10], ["0", "2", "4", "6", "8", "10"]),
      ([71.2, 74.9], ["72", "73", "74", "75"]),
      ([93.1, 93.6], ["93.1", "93.2", "93.3", "93.4", "93.5", "93.6"]),
      ([-1e308, 1, 2, 1e308, 1e-200], ["1.0", "1.2", "1.4", "1.6", "1.8", "2.0"]),
      ([0.1, 0.9], ["0.2", "0.4", "0.6", "0.8"]),
      ([-0.02, 0.02], ["-0.02", "-0.01", "0.00", "0.01", "0.02"]),
      ([200_000, 1_000_000], ["200000", "400000", "600000", "800000", "1e+06"]),
      ([50, 50], ["46", "48", "50", "52", "54"]),
      ([], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ] as [([Double], [String])])
  func linearTicks(values: [Double], labels: [String]) {
    #expect(Axis(covering: values).ticks.map(\.label) == labels)
  }

  @Test(
    arguments: [
      ([30, 1000], ["30", "100", "300", "1000"]), ([1, 10], ["1", "2", "5", "10"]),
      ([0.001, 100], ["0.001", "0.01", "0.1", "1", "10", "100"]),
      ([1e-6, 1e6], ["1e-06", "0.001", "1", "1000", "1e+06"]),
      ([30, 40], ["30", "32", "34", "36", "38", "40"]),
    ] as [([Double], [String])])
  func logarithmicTicks(values: [Double], labels: [String]) {
    #expect(Axis(covering: values, scale: .logarithmic).ticks.map(\.label) == labels)
  }

  @Test func shares() {
    // From -1 to 21.
    let linear = Axis(covering: [0, .nan, 20, .infinity])
    #expect(abs(linear.share(of: 10) - 0.5) < 1e-12 && abs(linear.share(of: 0) - 1.0 / 22) < 1e-12)
    // From 10 to the power of -0.1 to 10 to the power of 2.1.
    let logarithmic = Axis(covering: [1, 100], scale: .logarithmic)
    #expect(abs(logarithmic.share(of: 10) - 0.5) < 1e-12 && abs(logarithmic.share(of: 100) - 2.1 / 2.2) < 1e-12)
    let limited = Axis(covering: [90, 100], limits: 0...100)
    #expect(limited.lowest == 89.5 && limited.highest == 100)
  }
}

@Suite struct ChartTests {
  private func chart(_ series: [Chart.Series], _ references: [Chart.Reference] = []) -> Chart {
    Chart(
      title: "study", subtitle: "3 runs", series: series, references: references,
      x: .init(title: "weight", scale: .logarithmic), y: .init(title: "accuracy %", limits: 0...100))
  }

  /// Weights 1 to 100 on a plot of 560 x 340; accuracies from 50 to 70, so that the axis goes from 49 to 71.
  @Test func pointsBarsAndLinesLieWhereTheNumbersSay() throws {
    let svg = try ReadSVG(
      chart(
        [.init(name: "sp", points: [.init(x: 100, y: 60), .init(x: 1, y: 55, deviation: 5), .init(x: 10, y: 65)])],
        [.init(name: "plain", value: 68, deviation: 2)]
      ).draw())
    // The frame: down the left side, then along the lower one.
    let frame = try #require(points(of: svg, where: { $0.count == 3 }).first)
    let (left, top, bottom, right) = (frame[0].0, frame[0].1, frame[1].1, frame[2].0)
    #expect(right - left == 560 && bottom - top == 340)
    func x(_ decades: Double) -> Double { left + 560 * (decades + 0.1) / 2.2 }
    func y(_ accuracy: Double) -> Double { bottom - 340 * (accuracy - 49) / 22 }
    // The first circle is the legend's.
    let circles = svg["circle"].dropFirst().map { ($0.number("cx"), $0.number("cy")) }
    let places = [(x(0), y(55)), (x(1), y(65)), (x(2), y(60))]
    #expect(circles.count == 3)
    for (found, place) in zip(circles, places) { expect(found, place) }
    let whole = try #require(points(of: svg, where: { $0.count == 3 }).last)
    for (found, place) in zip(whole, places) { expect(found, place) }
    let upright = points(of: svg) { $0.count == 2 && $0[0].0 == $0[1].0 && $0[1].1 <= bottom }
    let bar = try #require(upright.first)
    expect(bar[0], (x(0), y(60)))
    expect(bar[1], (x(0), y(50)))
    let band = try #require(svg["rect"].last)
    expect((band.number("x"), band.number("y")), (left, y(70)))
    expect((band.number("width"), band.number("height")), (560, 340 * 4 / 22))
    let dashed = try #require(svg["path"].first { $0.attributes["stroke-dasharray"] != nil })
    #expect(dashed.attributes["d"]?.contains(" \(y(68).rounded(to: 100))") == true, "\(dashed)")
    #expect(svg.texts.contains("plain") && svg.texts.contains("sp"))
    #expect(
      svg["desc"][0].text
        == "accuracy % over weight. sp: 100: 60.000, 1: 55.000 ± 5.000, 10: 65.000; plain: 68.000 ± 2.000")
  }

  /// A point with a label stands beside the line; points over one number stand beside each other.
  @Test func labelledAndSharedPoints() throws {
    let svg = try ReadSVG(
      chart(
        [
          .init(
            name: "a", points: [.init(x: 1, y: 50), .init(x: 100, y: 50), .init(x: 30, y: 60, label: "auto (30)")]),
          .init(name: "b", points: [.init(x: 1, y: 50, deviation: .nan), .init(x: 10, y: .nan)]),
        ], [.init(name: "broken", value: .infinity)]
      ).draw())
    #expect(svg.texts.contains("auto (30)"))
    let circles = svg["circle"]
    #expect(circles.count == 4 && circles.filter { $0.attributes["class"] == "fill-page" }.count == 1)
    // The squares of the second: its legend and its point, 6 to the right of the first's.
    let squares = points(of: svg, where: { $0.count == 4 })
    #expect(squares.count == 2)
    let middle = squares[1].map(\.0).reduce(0, +) / 4
    #expect(abs(middle - circles[1].number("cx") - 6) < 0.02)
  }

  @Test func referencesOfOneHeightAreNamedBelowEachOther() throws {
    let references = (0..<12).map { Chart.Reference(name: "row \($0)", value: 50) }
    let svg = try ReadSVG(chart([.init(name: "a", points: [.init(x: 1, y: 50)])], references).draw())
    let heights = svg["text"].filter { $0.text.hasPrefix("row ") }.map { $0.number("y") }
    #expect(heights.count == 12 && zip(heights, heights.dropFirst()).allSatisfy { $1 - $0 >= 15 })
  }

  /// Contrast by WCAG's definition: marks want 3 to 1.
  @Test func seriesStandOutOnEveryPage() {
    func luminance(_ colour: Colour) -> Double {
      let parts = [colour.red, colour.green, colour.blue].map { value -> Double in
        let share = Double(value) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
    let dark = luminance(Colour(0x14, 0x17, 0x1B))
    for colour in SeriesStyle.colours {
      #expect(1.05 / (luminance(colour) + 0.05) >= 3, "\(colour)")
      #expect((luminance(colour) + 0.05) / (dark + 0.05) >= 3, "\(colour)")
    }
  }

  private func points(of svg: ReadSVG, where isWanted: ([(Double, Double)]) -> Bool) -> [[(Double, Double)]] {
    svg["path"].map { path in
      (path.attributes["d"] ?? "").split(whereSeparator: { "MLZ".contains($0) }).map { pair in
        let numbers = pair.split(separator: " ").compactMap { Double($0) }
        return (numbers[0], numbers[1])
      }
    }.filter(isWanted)
  }

  /// Numbers are written in hundredths.
  private func expect(_ found: (Double, Double), _ place: (Double, Double)) {
    #expect(abs(found.0 - place.0) < 0.011 && abs(found.1 - place.1) < 0.011, "\(found), not \(place)")
  }
}

extension Double {
  fileprivate func rounded(to parts: Double) -> String { String(format: "%g", (self * parts).rounded() / parts) }
}
