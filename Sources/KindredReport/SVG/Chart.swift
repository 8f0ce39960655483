// Charts of measured numbers over another one: points with their spread, and lines to hold them against.

/// Numbers over numbers, a series a line.
package struct Chart: Sendable {
  /// A measured number.
  package struct Measurement: Sendable, Equatable {
    package let x: Double
    package let y: Double
    /// The standard deviation, drawn as a bar up and down; nil for none.
    package let deviation: Double?
    /// From the lowest to the highest of what it is the mean of: a band, or a bar where there is no line; nil for none.
    package let range: ClosedRange<Double>?
    /// What tells it from the others of its series: it is drawn hollow, beside the line, with this above it.
    package let label: String?

    /// A number, one of many unless it has a label.
    package init(
      x: Double, y: Double, deviation: Double? = nil, range: ClosedRange<Double>? = nil, label: String? = nil
    ) {
      (self.x, self.y, self.label) = (x, y, label)
      self.range = range.flatMap { Axis.holds($0.lowerBound) && Axis.holds($0.upperBound) ? $0 : nil }
      self.deviation = deviation.flatMap { Axis.holds($0) ? $0 : nil }
    }
  }

  /// Numbers that belong together.
  package struct Series: Sendable, Equatable {
    /// How points are drawn.
    package enum Form: Sendable {
      /// A mark each, and a line through those without labels.
      case marked
      /// A line, a band of the ranges below it, and marks on a few points, which tell it from others without colour.
      case line
      /// Marks alone.
      case points
      /// A dashed line to hold others against.
      case guide
    }

    package let name: String
    package let points: [Measurement]
    package let form: Form
    /// Which colour and shape it has; nil for those of its place in the chart. Charts that belong together tell the same
    /// things apart alike.
    package let style: Int?

    /// Points in the order of their x.
    package init(name: String, points: [Measurement], form: Form = .marked, style: Int? = nil) {
      (self.name, self.points, self.form, self.style) = (name, points, form, style)
    }
  }

  /// A number that does not depend on x: a dashed line, with a band of its spread.
  package struct Reference: Sendable, Equatable {
    package let name: String
    package let value: Double
    /// The standard deviation; nil for no band.
    package let deviation: Double?

    /// A line at this height.
    package init(name: String, value: Double, deviation: Double? = nil) {
      (self.name, self.value) = (name, value)
      self.deviation = deviation.flatMap { Axis.holds($0) ? $0 : nil }
    }
  }

  /// An axis's name, and how numbers lie along it.
  package struct AxisStyle: Sendable {
    package let title: String
    package let scale: Axis.Scale
    /// What it does not go beyond.
    package let limits: ClosedRange<Double>?
    /// Whether nothing lies between whole numbers, so that no others are written.
    package let isWhole: Bool

    /// An axis; linear without limits unless more is said.
    package init(
      title: String, scale: Axis.Scale = .linear, limits: ClosedRange<Double>? = nil, isWhole: Bool = false
    ) {
      (self.title, self.scale, self.limits, self.isWhole) = (title, scale, limits, isWhole)
    }
  }

  /// Written above it.
  package let title: String
  /// Smaller, below the title.
  package let subtitle: String
  package let series: [Series]
  package let references: [Reference]
  let xStyle: AxisStyle
  let yStyle: AxisStyle
  /// The plot's width and height.
  let size: (width: Double, height: Double)

  /// A chart; numbers that no axis holds are left out.
  package init(
    title: String, subtitle: String, series: [Series], references: [Reference] = [], x: AxisStyle, y: AxisStyle,
    size: (width: Double, height: Double) = (560, 340)
  ) {
    (self.title, self.subtitle, xStyle, yStyle, self.size) = (title, subtitle, x, y, size)
    self.references = references.filter { Axis.holds($0.value) }
    self.series = series.map { series in
      Series(
        name: series.name, points: series.points.filter { Axis.holds($0.x) && Axis.holds($0.y) }, form: series.form,
        style: series.style)
    }
  }

  /// The axis below.
  var xAxis: Axis {
    Axis(
      covering: series.flatMap { $0.points.map(\.x) }, scale: xStyle.scale, limits: xStyle.limits,
      tickCount: size.width < 400 ? 4 : 6, isWhole: xStyle.isWhole)
  }

  /// The axis on the left: it holds all bars and bands.
  var yAxis: Axis {
    let measured =
      series.flatMap { $0.points.map { ($0.y, $0.deviation) } } + references.map { ($0.value, $0.deviation) }
    let ranges = series.flatMap { $0.points.compactMap(\.range) }.flatMap { [$0.lowerBound, $0.upperBound] }
    return Axis(
      covering: measured.flatMap { [$0.0 - ($0.1 ?? 0), $0.0 + ($0.1 ?? 0)] } + ranges, scale: yStyle.scale,
      limits: yStyle.limits)
  }
}

/// How the series of a chart are told from each other: by colour, and by shape or dashes for those who do not see colours.
package enum SeriesStyle {
  /// Each stands out by 3 to 1 at least on light and dark pages.
  package static let colours = [
    Colour(40, 120, 200), Colour(207, 92, 18), Colour(35, 135, 92), Colour(180, 79, 156), Colour(154, 116, 16),
    Colour(19, 132, 153), Colour(126, 98, 207), Colour(118, 121, 127),
  ]

  static func colour(_ index: Int) -> Ink { .colour(colours[index % colours.count]) }

  /// The line of a series: whole for as many as there are shapes.
  static func dash(_ index: Int) -> [Double] { [[], [7, 3], [2, 3], [9, 3, 2, 3]][index / shapeCount % 4] }

  /// The line of a reference.
  static func referenceDash(_ index: Int) -> [Double] { [[8, 5], [2, 4], [12, 4, 2, 4], [16, 6]][index % 4] }

  private static let shapeCount = 8

  /// The mark of a series around a point.
  static func marker(_ index: Int, at place: Point, isHollow: Bool = false) -> SVGElement {
    let paint =
      isHollow
      ? Paint(fill: .page, stroke: colour(index), width: 2) : Paint(fill: colour(index), stroke: .page)
    let size = isHollow ? 1.2 : 1
    func polygon(_ corners: [(Double, Double)]) -> SVGElement {
      let points = corners.map { Point(x: place.x + $0.0 * size, y: place.y + $0.1 * size) }
      return .path(points, isClosed: true, paint)
    }
    switch index % shapeCount {
    case 0: return .circle(place, radius: 4.5 * size, paint)
    case 1: return polygon([(-4, -4), (4, -4), (4, 4), (-4, 4)])
    case 2: return polygon([(0, -5.5), (5, 4), (-5, 4)])
    case 3: return polygon([(0, -5.8), (5.8, 0), (0, 5.8), (-5.8, 0)])
    case 4: return polygon([(0, 5.5), (5, -4), (-5, -4)])
    case 5:
      return polygon([
        (-2, -5.5), (2, -5.5), (2, -2), (5.5, -2), (5.5, 2), (2, 2), (2, 5.5), (-2, 5.5), (-2, 2), (-5.5, 2),
        (-5.5, -2), (-2, -2),
      ])
    case 6: return polygon([(5.5, 0), (-4, 5), (-4, -5)])
    default: return polygon([(-5.5, 0), (4, 5), (4, -5)])
    }
  }
}
