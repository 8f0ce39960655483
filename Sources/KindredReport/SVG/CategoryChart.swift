// Charts of one number a name, such as a class or a method: bars from zero, or marks with their intervals.

/// A number for each of some names, names below each other.
package struct CategoryChart: Sendable {
  /// One name's number.
  package struct Row: Sendable, Equatable {
    package let name: String
    package let value: Double
    /// How sure the number is; nil for not told.
    package let interval: ClosedRange<Double>?

    package init(name: String, value: Double, interval: ClosedRange<Double>? = nil) {
      (self.name, self.value) = (name, value)
      self.interval = interval.flatMap { Axis.holds($0.lowerBound) && Axis.holds($0.upperBound) ? $0 : nil }
    }
  }

  /// How numbers are drawn.
  package enum Form: Sendable {
    /// From zero to the number.
    case bars
    /// A mark at the number.
    case marks
  }

  /// Written above it.
  package let title: String
  /// What the numbers are, below them.
  package let unit: String
  /// From the top.
  package let rows: [Row]
  let form: Form
  private let limits: ClosedRange<Double>?
  private let places: Int
  private let isSigned: Bool

  /// - Parameters:
  ///   - limits: what the axis does not go beyond.
  ///   - places: of the numbers that are written beside the bars.
  ///   - isSigned: whether these are written with their sign.
  package init(
    title: String, unit: String, rows: [Row], form: Form, limits: ClosedRange<Double>? = nil, places: Int = 2,
    isSigned: Bool = false
  ) {
    (self.title, self.unit, self.form, self.limits) = (title, unit, form, limits)
    (self.places, self.isSigned) = (places, isSigned)
    self.rows = rows.filter { Axis.holds($0.value) }
  }

  /// The axis below: zero is always on it where there are bars, and where differences are shown.
  package var axis: Axis {
    let zero = form == .bars || isSigned ? [0.0] : []
    return Axis(
      covering: zero + rows.flatMap { [$0.value] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) },
      limits: limits, tickCount: 4)
  }

  private static let (margin, rowHeight, plotWidth) = (14.0, 22.0, 210.0)

  /// The drawing: names on the left, numbers on the right.
  package func draw() -> SVGDocument {
    let (margin, axis) = (Self.margin, self.axis)
    let nameWidth = min(rows.map { TextWidth.of($0.name, size: 12) }.max() ?? 0, 120)
    let numberWidth = rows.map { TextWidth.of(label($0.value), size: 12) }.max() ?? 0
    let box = Box(
      x: margin + nameWidth + 8, y: margin + 28, width: Self.plotWidth, height: Double(rows.count) * Self.rowHeight)
    func place(_ value: Double) -> Double { box.x + min(max(axis.share(of: value), 0), 1) * box.width }
    let width = box.right + 10 + numberWidth + margin
    let grid = axis.ticks.flatMap { tick -> [SVGElement] in
      let x = place(tick.value)
      return [
        .line(Point(x: x, y: box.y), Point(x: x, y: box.bottom), Paint(stroke: tick.value == 0 ? .muted : .faint)),
        .text(SVGText(tick.label, at: Point(x: x, y: box.bottom + 12), size: 11, anchor: .middle, ink: .muted)),
      ]
    }
    let shown = rows.enumerated().map { index, row -> SVGElement in
      let y = box.y + (Double(index) + 0.5) * Self.rowHeight
      let texts: [SVGElement] = [
        .text(SVGText(row.name, at: Point(x: box.x - 8, y: y), anchor: .end), within: nameWidth),
        .text(SVGText(label(row.value), at: Point(x: box.right + 10 + numberWidth, y: y), anchor: .end)),
      ]
      return .group(title: words(row), mark(row, y, place) + texts)
    }
    let heading = SVGText(title, at: Point(x: margin, y: margin + 6), size: 14, isBold: true)
    let below = SVGText(unit, at: Point(x: box.centre.x, y: box.bottom + 30), size: 11, anchor: .middle, ink: .muted)
    return SVGDocument(
      width: width, height: box.bottom + 44, title: title,
      description: "\(unit). \(rows.map(words).joined(separator: "; "))",
      elements: [.text(heading, within: width - 2 * margin)] + grid + shown + [.text(below, within: box.width)])
  }

  private func mark(_ row: Row, _ y: Double, _ place: (Double) -> Double) -> [SVGElement] {
    let colour = SeriesStyle.colour(row.value < 0 ? 1 : 0)
    let x = place(row.value)
    let interval = row.interval.map { range -> [SVGElement] in
      let (start, end) = (place(range.lowerBound), place(range.upperBound))
      let paint = Paint(stroke: form == .bars ? .text : colour, width: 1.5)
      func across(_ x: Double) -> SVGElement { .line(Point(x: x, y: y - 4), Point(x: x, y: y + 4), paint) }
      return [.line(Point(x: start, y: y), Point(x: end, y: y), paint), across(start), across(end)]
    }
    switch form {
    case .bars:
      let zero = place(0)
      let bar = Box(x: min(zero, x), y: y - 7, width: abs(x - zero), height: 14)
      return [.rectangle(bar, Paint(fill: colour))] + (interval ?? [])
    case .marks: return (interval ?? []) + [SeriesStyle.marker(0, at: Point(x: x, y: y))]
    }
  }

  private func label(_ value: Double) -> String {
    isSigned ? Format.signed(value, places: places) : Format.decimal(value, places: places)
  }

  private func words(_ row: Row) -> String {
    let interval = row.interval.map { " (\(label($0.lowerBound)) to \(label($0.upperBound)))" } ?? ""
    return "\(row.name): \(label(row.value))\(interval)"
  }
}
