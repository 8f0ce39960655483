// How a heat map looks.

extension HeatMap {
  /// The drawing: the heading, the panels, the classes' names on the left, and what the colours mean.
  package func draw() -> SVGDocument {
    let layout = HeatMapLayout(self)
    let common = ColourScale(of: scale == .shared ? panels.flatMap(\.values) : [])
    var elements = [SVGElement.text(SVGText(heading, at: layout.heading, ink: .muted), within: layout.headingRoom)]
    for (index, panel) in panels.enumerated() {
      let box = layout.panel(index)
      let own = scale == .shared ? common : ColourScale(of: panel.values)
      elements.append(.group(title: panel.title, draw(panel, own, in: box)))
      if index % layout.columns == 0 { elements += nameTexts(beside: box, layout) }
      if scale == .own { elements += bar(own, below: box) }
    }
    if scale == .shared { elements += bar(common, rightOf: layout.panel(layout.columns - 1)) }
    return SVGDocument(
      width: layout.width, height: layout.height, title: heading, description: description, elements: elements)
  }

  private func draw(_ panel: Panel, _ scale: ColourScale, in box: Box) -> [SVGElement] {
    let size = TextWidth.of(panel.title, size: 13, isBold: true) <= box.width ? 13.0 : 11
    let title = SVGText(
      panel.title, at: Point(x: box.centre.x, y: box.y - 12), size: size, anchor: .middle, isBold: true)
    let pixels = Picture(width: panel.columns, height: panel.rows, colours: panel.values.map(scale.colour))
    let notes = panel.notes.enumerated().map { line, note in
      let place = Point(x: box.x, y: box.bottom + HeatMapLayout.noteHeight * (Double(line) + 1))
      return SVGElement.text(SVGText(note, at: place, size: 11, ink: .muted), within: box.width)
    }
    return [.text(title, within: box.width), .image(pixels, box)] + rowTicks(beside: box)
      + columnTicks(panel, below: box) + notes
  }

  private func rowTicks(beside box: Box) -> [SVGElement] {
    classes.borders(along: box.height).map { place in
      .line(
        Point(x: box.x - 1 - HeatMapLayout.tick, y: box.y + place), Point(x: box.x - 1, y: box.y + place),
        Paint(stroke: .muted))
    }
  }

  private func columnTicks(_ panel: Panel, below box: Box) -> [SVGElement] {
    func tick(_ place: Double) -> SVGElement {
      .line(
        Point(x: box.x + place, y: box.bottom + 1), Point(x: box.x + place, y: box.bottom + 1 + HeatMapLayout.tick),
        Paint(stroke: .muted))
    }
    guard case .numbered(let name) = columns else { return classes.borders(along: box.width).map(tick) }
    let whole = Axis.steps(from: 0, to: Double(panel.columns - 1), count: 4).filter { $0.value == $0.value.rounded() }
    let numbers = whole.flatMap { number -> [SVGElement] in
      // A column of its own width: the tick is in its middle.
      let place = (number.value + 0.5) / Double(panel.columns) * box.width
      let text = SVGText(
        String(Int(number.value)), at: Point(x: box.x + place, y: box.bottom + 14), size: 11, anchor: .middle,
        ink: .muted)
      return [tick(place), .text(text)]
    }
    let title = SVGText(
      name, at: Point(x: box.centre.x, y: box.bottom + 29), size: 11, anchor: .middle, ink: .muted)
    return numbers + [.text(title)]
  }

  private func nameTexts(beside box: Box, _ layout: HeatMapLayout) -> [SVGElement] {
    let hasBorders = !classes.borders(along: box.height).isEmpty
    return layout.names.flatMap { name, middle -> [SVGElement] in
      let place = Point(x: box.x - HeatMapLayout.tick - 5, y: box.y + middle)
      let text = SVGText(name, at: place, size: HeatMapLayout.nameSize, anchor: .end, ink: .muted)
      let mark = SVGElement.line(
        Point(x: box.x - 1 - HeatMapLayout.tick, y: place.y), Point(x: box.x - 1, y: place.y), Paint(stroke: .muted))
      // Where not each class has its borders, a name says where it belongs.
      return [.text(text, within: layout.nameWidth)] + (hasBorders ? [] : [mark])
    }
  }

  private func bar(_ scale: ColourScale, rightOf box: Box) -> [SVGElement] {
    let bar = Box(x: box.right + HeatMapLayout.gap, y: box.y, width: HeatMapLayout.barWidth, height: box.height)
    let colours = Picture(width: 1, height: 128, colours: (0..<128).map { ColourMap.colour(1 - Double($0) / 127) })
    return [.image(colours, bar)]
      + (0...4).flatMap { step -> [SVGElement] in
        let y = bar.bottom - Double(step) / 4 * bar.height
        let text = SVGText(scale.label(Double(step) / 4), at: Point(x: bar.right + 9, y: y), size: 11, ink: .muted)
        return [
          .line(Point(x: bar.right + 1, y: y), Point(x: bar.right + 5, y: y), Paint(stroke: .muted)), .text(text),
        ]
      }
  }

  private func bar(_ scale: ColourScale, below box: Box) -> [SVGElement] {
    let bar = Box(x: box.x, y: box.bottom + 40, width: box.width, height: 8)
    let colours = Picture(width: 128, height: 1, colours: (0..<128).map { ColourMap.colour(Double($0) / 127) })
    func label(_ share: Double, _ anchor: SVGText.Anchor) -> SVGElement {
      let place = Point(x: bar.x + share * bar.width, y: bar.bottom + 10)
      return .text(SVGText(scale.label(share), at: place, size: 11, anchor: anchor, ink: .muted))
    }
    return [.image(colours, bar), label(0, .start), label(0.5, .middle), label(1, .end)]
  }
}

/// Where everything lies.
private struct HeatMapLayout {
  static let gap = 22.0
  static let tick = 4.0
  static let barWidth = 14.0
  static let nameSize = 11.0
  static let noteHeight = 15.0
  private static let margin = 16.0
  private static let headingHeight = 26.0
  private static let titleHeight = 26.0
  private static let rowGap = 10.0

  let columns: Int
  let width: Double
  let height: Double
  let names: [(name: String, middle: Double)]
  let nameWidth: Double
  private let side: Double
  private let left: Double
  private let pitch: Double

  init(_ map: HeatMap) {
    side = Self.side(of: map.panels[0].rows)
    let rows = (map.panels.count + 3) / 4
    columns = (map.panels.count + rows - 1) / rows
    names = map.classes.names(along: side, lineHeight: Self.nameSize + 2)
    let longest = names.map { TextWidth.of($0.name, size: Self.nameSize) }.max() ?? 0
    nameWidth = min(longest, 130)
    left = Self.margin + nameWidth + Self.tick + 6
    // Numbers and a name of columns, and a bar of each panel's own.
    let notes = Self.noteHeight * Double(map.panels.map(\.notes.count).max() ?? 0)
    let below = (map.columns == .likeRows ? 8.0 : 36) + (map.scale == .own ? 26 : 0) + notes
    pitch = Self.titleHeight + side + below + Self.rowGap
    let panels = Double(columns) * (side + Self.gap)
    let bar = map.scale == .shared ? Self.barWidth + 9 + TextWidth.of("-0.0000", size: 11) : 0
    width = left + panels + bar + (map.scale == .shared ? 0 : Self.margin - Self.gap / 2)
    height = Self.margin + Self.headingHeight + Double(rows) * pitch
  }

  /// A panel's side: about 240, and for small matrices so that all entries have as many pixels.
  private static func side(of rows: Int) -> Double {
    rows > 160 ? 240 : Double(rows) * (240 / Double(rows)).rounded()
  }

  var heading: Point { Point(x: Self.margin, y: Self.margin + 6) }

  var headingRoom: Double { width - 2 * Self.margin }

  func panel(_ index: Int) -> Box {
    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
    return Box(
      x: left + Double(column) * (side + Self.gap),
      y: Self.margin + Self.headingHeight + Self.titleHeight + Double(row) * pitch, width: side, height: side)
  }
}
