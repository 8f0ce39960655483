// How a chart looks.

import Foundation

extension Chart {
  /// The drawing: title, legend, axes, and the numbers with the references' names on the right.
  package func draw() -> SVGDocument {
    let layout = ChartLayout(self)
    let elements =
      titles(layout) + layout.legend.flatMap { entry(of: $0) } + axes(layout.plot) + references(layout.plot)
      + series.enumerated().map { .group(title: $1.name, draw($1, $0, in: layout.plot)) }
    return SVGDocument(
      width: layout.width, height: layout.height, title: title, description: description, elements: elements)
  }

  /// All numbers in words.
  private var description: String {
    func words(_ value: Double, _ deviation: Double?) -> String {
      Format.value(value) + (deviation.map { " ± \(Format.value($0))" } ?? "")
    }
    let lines = series.map { series in
      guard series.form != .line || series.points.count < 3 else { return ends(of: series) }
      let points = series.points.map { "\($0.label ?? String(format: "%g", $0.x)): \(words($0.y, $0.deviation))" }
      return "\(series.name): \(points.joined(separator: ", "))"
    }
    let others = references.map { "\($0.name): \(words($0.value, $0.deviation))" }
    return "\(yStyle.title) over \(xStyle.title). " + (lines + others).joined(separator: "; ")
  }

  /// A long line by its ends; a page has its numbers in a table.
  private func ends(of line: Series) -> String {
    guard let first = line.points.first, let last = line.points.last else { return line.name }
    return
      "\(line.name): from \(Format.value(first.y)) at \(String(format: "%g", first.x)) to \(Format.value(last.y)) at "
      + String(format: "%g", last.x)
  }

  private func titles(_ layout: ChartLayout) -> [SVGElement] {
    let margin = ChartLayout.margin
    return [
      .text(
        SVGText(title, at: Point(x: margin, y: margin + 6), size: 15, isBold: true), within: layout.width - 2 * margin),
      .text(
        SVGText(subtitle, at: Point(x: margin, y: margin + 26), ink: .muted), within: layout.width - 2 * margin),
    ]
  }

  private func entry(of entry: ChartLayout.Entry) -> [SVGElement] {
    let (start, y) = (entry.place.x, entry.place.y)
    let name = SVGText(series[entry.series].name, at: Point(x: start + 34, y: y))
    let line = SVGElement.line(entry.place, Point(x: start + 28, y: y), paint(entry.series))
    let mark = SeriesStyle.marker(style(entry.series), at: Point(x: start + 14, y: y))
    let form = series[entry.series].form
    return (form == .points ? [] : [line]) + (form == .guide ? [] : [mark])
      + [.text(name, within: ChartLayout.nameRoom)]
  }

  private func axes(_ plot: ChartPlot) -> [SVGElement] {
    let box = plot.box
    let grid = plot.y.ticks.map { tick -> SVGElement in
      let y = plot.height(of: tick.value)
      return .line(Point(x: box.x, y: y), Point(x: box.right, y: y), Paint(stroke: .faint))
    }
    let frame = [Point(x: box.x, y: box.y), Point(x: box.x, y: box.bottom), Point(x: box.right, y: box.bottom)]
    let left = plot.y.ticks.map { tick -> SVGElement in
      let place = Point(x: box.x - 8, y: plot.height(of: tick.value))
      return .text(SVGText(tick.label, at: place, anchor: .end, ink: .muted))
    }
    let below = plot.x.ticks.flatMap { tick -> [SVGElement] in
      let x = plot.place(of: tick.value)
      return [
        .line(Point(x: x, y: box.bottom), Point(x: x, y: box.bottom + 5), Paint(stroke: .muted)),
        .text(SVGText(tick.label, at: Point(x: x, y: box.bottom + 16), anchor: .middle, ink: .muted)),
      ]
    }
    let xTitle = SVGText(xStyle.title, at: Point(x: box.centre.x, y: box.bottom + 38), anchor: .middle)
    let yTitle = SVGText(
      yStyle.title, at: Point(x: ChartLayout.margin, y: box.centre.y), anchor: .middle, isUpright: true)
    return grid + [.path(frame, isClosed: false, Paint(stroke: .muted))] + left + below
      + [.text(xTitle, within: box.width), .text(yTitle, within: box.height)]
  }

  /// Bands below all lines; names beside them on the right.
  private func references(_ plot: ChartPlot) -> [SVGElement] {
    let box = plot.box
    let bands = references.compactMap { reference -> SVGElement? in
      guard let deviation = reference.deviation else { return nil }
      let (top, bottom) = (
        plot.height(of: reference.value + deviation), plot.height(of: reference.value - deviation)
      )
      return .rectangle(
        Box(x: box.x, y: top, width: box.width, height: bottom - top), Paint(fill: .muted, opacity: 0.14))
    }
    let heights = references.map { plot.height(of: $0.value) }
    let lines = heights.enumerated().map { index, y -> SVGElement in
      .line(
        Point(x: box.x, y: y), Point(x: box.right, y: y),
        Paint(stroke: .muted, width: 1.5, dash: SeriesStyle.referenceDash(index)))
    }
    let names = zip(references, zip(heights, ChartLayout.spread(heights, apart: 15, in: box)))
      .flatMap { reference, places -> [SVGElement] in
        let start = Point(x: box.right + 18, y: places.1)
        return [
          .line(Point(x: box.right + 2, y: places.0), Point(x: start.x - 3, y: start.y), Paint(stroke: .muted)),
          .text(SVGText(reference.name, at: start, ink: .muted), within: ChartLayout.nameRoom),
        ]
      }
    return bands + lines + names
  }

  /// The paint of a series' line.
  private func paint(_ index: Int) -> Paint {
    series[index].form == .guide
      ? Paint(stroke: .muted, width: 1.5, dash: SeriesStyle.referenceDash(0))
      : Paint(stroke: SeriesStyle.colour(style(index)), width: 2, dash: SeriesStyle.dash(style(index)))
  }

  private func style(_ index: Int) -> Int { series[index].style ?? index }

  private func draw(_ series: Series, _ index: Int, in plot: ChartPlot) -> [SVGElement] {
    switch series.form {
    case .marked: marked(series, index, in: plot)
    case .line, .guide: line(series, index, in: plot)
    case .points: points(series, index, in: plot)
    }
  }

  /// A band, a line, and marks that are not where other series have theirs.
  private func line(_ series: Series, _ index: Int, in plot: ChartPlot) -> [SVGElement] {
    let points = series.points.sorted { $0.x < $1.x }
    func place(_ x: Double, _ y: Double) -> Point { Point(x: plot.place(of: x), y: plot.height(of: y)) }
    let upper = points.compactMap { point in point.range.map { place(point.x, $0.upperBound) } }
    let lower = points.compactMap { point in point.range.map { place(point.x, $0.lowerBound) } }
    let band: [SVGElement] =
      upper.count > 1
      ? [.path(upper + lower.reversed(), isClosed: true, Paint(fill: SeriesStyle.colour(style(index)), opacity: 0.16))]
      : []
    let places = points.map { place($0.x, $0.y) }
    let line: [SVGElement] = places.count > 1 ? [.path(places, isClosed: false, paint(index))] : []
    guard series.form == .line else { return line }
    let stride = max(1, places.count / 6)
    let marks = places.indices.filter { $0 % stride == index % stride }.map {
      SeriesStyle.marker(style(index), at: places[$0])
    }
    return band + line + marks
  }

  /// Marks, each with its range as a bar.
  private func points(_ series: Series, _ index: Int, in plot: ChartPlot) -> [SVGElement] {
    series.points.flatMap { point -> [SVGElement] in
      let place = Point(x: plot.place(of: point.x), y: plot.height(of: point.y))
      let bar = point.range.map { range in
        SVGElement.line(
          Point(x: place.x, y: plot.height(of: range.upperBound)),
          Point(x: place.x, y: plot.height(of: range.lowerBound)),
          Paint(stroke: SeriesStyle.colour(style(index)), width: 1.5))
      }
      return [bar].compactMap(\.self) + [SeriesStyle.marker(style(index), at: place)]
    }
  }

  private func marked(_ series: Series, _ index: Int, in plot: ChartPlot) -> [SVGElement] {
    let colour = SeriesStyle.colour(style(index))
    let points = series.points.sorted { $0.x < $1.x }.map { (measured: $0, place: place($0, of: index, in: plot)) }
    let line = points.filter { $0.measured.label == nil }.map(\.place)
    let bars = points.flatMap { measured, place -> [SVGElement] in
      guard let deviation = measured.deviation else { return [] }
      let (top, bottom) = (plot.height(of: measured.y + deviation), plot.height(of: measured.y - deviation))
      let paint = Paint(stroke: colour, width: 1.5)
      func across(_ y: Double) -> SVGElement {
        .line(Point(x: place.x - 4, y: y), Point(x: place.x + 4, y: y), paint)
      }
      return [.line(Point(x: place.x, y: top), Point(x: place.x, y: bottom), paint), across(top), across(bottom)]
    }
    let marks = points.map { SeriesStyle.marker(style(index), at: $0.place, isHollow: $0.measured.label != nil) }
    let labels = points.compactMap { measured, place -> SVGElement? in
      let top = plot.height(of: measured.y + (measured.deviation ?? 0))
      return measured.label.map { .text(SVGText($0, at: Point(x: place.x, y: top - 13), anchor: .middle)) }
    }
    return (line.count > 1 ? [.path(line, isClosed: false, paint(index))] : []) + bars + marks + labels
  }

  /// Where a series' point lies: beside those that other series have over the same number, so that all bars are seen.
  private func place(_ point: Measurement, of index: Int, in plot: ChartPlot) -> Point {
    let sharing = series.indices.filter { series[$0].points.contains { $0.x == point.x } }
    let rank = Double(sharing.firstIndex(of: index) ?? 0)
    let last = Double(max(1, sharing.count - 1))
    let aside = sharing.count > 1 ? (rank - last / 2) * min(6, 24 / last) : 0
    return Point(x: plot.place(of: point.x) + aside, y: plot.height(of: point.y))
  }
}

/// The part of a chart in which the numbers lie.
private struct ChartPlot {
  let box: Box
  let x: Axis
  let y: Axis

  func place(of value: Double) -> Double { box.x + x.share(of: value) * box.width }

  /// Inside the box, also of what goes beyond the axis's limits.
  func height(of value: Double) -> Double { box.bottom - min(max(y.share(of: value), 0), 1) * box.height }
}

/// Where everything lies.
private struct ChartLayout {
  /// Where a series is named.
  struct Entry {
    let series: Int
    let place: Point
  }

  static let margin = 18.0
  static let nameRoom = 170.0
  private static let lineHeight = 20.0

  let legend: [Entry]
  let plot: ChartPlot
  let width: Double
  let height: Double

  init(_ chart: Chart) {
    let yAxis = chart.yAxis
    let numbers = yAxis.ticks.map { TextWidth.of($0.label, size: 12) }.max() ?? 0
    let names = chart.references.map { min(TextWidth.of($0.name, size: 12), Self.nameRoom) }.max() ?? 0
    let left = Self.margin + 14 + numbers + 8
    let plotWidth = chart.size.width
    width = left + plotWidth + (names > 0 ? names + 18 : 0) + Self.margin
    var (entries, x, y) = ([Entry](), Self.margin, Self.margin + 52)
    for (index, series) in chart.series.enumerated() {
      let room = 34 + min(TextWidth.of(series.name, size: 12), Self.nameRoom)
      if x > Self.margin, x + room > width - Self.margin { (x, y) = (Self.margin, y + Self.lineHeight) }
      entries.append(Entry(series: index, place: Point(x: x, y: y)))
      x += room + 20
    }
    legend = entries
    plot = ChartPlot(
      box: Box(x: left, y: y + 20, width: plotWidth, height: chart.size.height), x: chart.xAxis, y: yAxis)
    height = plot.box.bottom + 56
  }

  /// Heights moved as little as keeps them apart and inside a box, as long as it has the room; in their order.
  static func spread(_ heights: [Double], apart: Double, in box: Box) -> [Double] {
    let order = heights.indices.sorted { heights[$0] < heights[$1] }
    var places = heights
    var next = box.y
    for index in order {
      places[index] = max(heights[index], next)
      next = places[index] + apart
    }
    // What came out below the box goes up again.
    var last = box.bottom
    for index in order.reversed() {
      places[index] = min(places[index], last)
      last = places[index] - apart
    }
    return places
  }
}
