// The figure by which similarity preservation is seen: what the networks hold to be similar, side by side.

/// Similarity matrices of one batch, sorted by class, as networks see it: a panel each, the teacher first.
///
/// In a good network the squares on the diagonal, the pairs of one class, stand out. All panels share one scale, so
/// that equal colours are equal numbers.
package struct SimilarityPicture: Sendable {
  /// One network's matrix.
  package struct Panel: Sendable {
    /// Written above the panel.
    package let title: String
    /// `size x size`, row by row: the Gram matrix of the batch's activations, each row divided by its L2 norm.
    package let matrix: [Float]
    /// The batch's size.
    package let size: Int

    /// A panel; a matrix of another size is a programmer's mistake.
    package init(title: String, matrix: [Float], size: Int) {
      precondition(size > 0, "\(title): a matrix has a size")
      precondition(matrix.count == size * size, "\(title): \(matrix.count) values are not \(size) x \(size)")
      (self.title, self.matrix, self.size) = (title, matrix, size)
    }
  }

  private let panels: [Panel]
  private let classStarts: [Int]
  private let classNames: [String]
  private let scale: ColourScale
  private let layout: Layout

  /// - Parameters:
  ///   - panels: the networks, at least one, all of the same batch.
  ///   - classStarts: the index of each class's first sample, ascending, from 0; see `classStarts(ofSorted:)`.
  ///   - classNames: one for each class in `classStarts`, or none.
  package init(panels: [Panel], classStarts: [Int], classNames: [String] = []) {
    precondition(!panels.isEmpty, "a similarity picture has a panel")
    let size = panels[0].size
    precondition(panels.allSatisfy { $0.size == size }, "the panels are of different batches")
    precondition(
      classStarts.allSatisfy { (0..<size).contains($0) } && zip(classStarts, classStarts.dropFirst()).allSatisfy(<),
      "classes start inside the batch, in order")
    precondition(classNames.isEmpty || classNames.count == classStarts.count, "a name for each class, or none")
    (self.panels, self.classStarts, self.classNames) = (panels, classStarts, classNames)
    scale = ColourScale(of: panels.flatMap(\.matrix))
    layout = Layout(panelCount: panels.count, size: size, classStarts: classStarts, classNames: classNames)
  }

  /// Where each class begins in a list of labels that is sorted by class.
  package static func classStarts(ofSorted labels: [Int]) -> [Int] {
    labels.indices.filter { $0 == 0 || labels[$0] != labels[$0 - 1] }
  }

  /// The picture: panels in rows of up to four, and the colour bar on the right.
  package func draw() -> Picture {
    var picture = Picture(width: layout.width, height: layout.height)
    for (index, panel) in panels.enumerated() {
      draw(panel, at: layout.panelCorner(index), on: &picture)
      if layout.showsNames && index % layout.columns == 0 { drawNames(at: layout.panelCorner(index), on: &picture) }
    }
    drawColourBar(on: &picture)
    return picture
  }

  private func draw(_ panel: Panel, at corner: Point, on picture: inout Picture) {
    let (title, textScale) = layout.fitted(panel.title)
    let above = Point(
      x: corner.x + (layout.panelSide - Picture.textWidth(title, scale: textScale)) / 2,
      y: corner.y - Layout.titleGap - Picture.textHeight(scale: textScale))
    picture.draw(title, at: above, scale: textScale)

    var pixels = Picture(width: panel.size, height: panel.size)
    for y in 0..<panel.size {
      for x in 0..<panel.size { pixels[x, y] = scale.colour(panel.matrix[y * panel.size + x]) }
    }
    picture.blit(pixels.enlarged(by: layout.pixel), at: corner)
    drawTicks(at: corner, on: &picture)
  }

  /// Short marks outside the panel, left and below, where one class ends and the next begins.
  private func drawTicks(at corner: Point, on picture: inout Picture) {
    for start in classStarts + [panels[0].size] {
      let along = start * layout.pixel
      let left = Point(x: corner.x - Layout.tick - 1, y: corner.y + along - 1)
      let below = Point(x: corner.x + along - 1, y: corner.y + layout.panelSide + 1)
      picture.fill(.grey, at: left, width: Layout.tick, height: 1)
      picture.fill(.grey, at: below, width: 1, height: Layout.tick)
    }
  }

  private func drawNames(at corner: Point, on picture: inout Picture) {
    let ends = classStarts.dropFirst() + [panels[0].size]
    for (name, (start, end)) in zip(classNames, zip(classStarts, ends)) {
      let middle = corner.y + (start + end) * layout.pixel / 2
      let place = Point(
        x: corner.x - Layout.tick - Layout.nameGap - Picture.textWidth(name, scale: Layout.textScale),
        y: middle - Picture.textHeight(scale: Layout.textScale) / 2)
      picture.draw(name, at: place, scale: Layout.textScale, colour: .grey)
    }
  }

  private func drawColourBar(on picture: inout Picture) {
    let corner = layout.barCorner
    for y in 0..<layout.panelSide {
      let colour = ColourMap.colour(1 - Double(y) / Double(layout.panelSide - 1))
      picture.fill(colour, at: Point(x: corner.x, y: corner.y + y), width: Layout.barWidth, height: 1)
    }
    for step in 0...4 {
      let share = Double(step) / 4
      let y = corner.y + Int((1 - share) * Double(layout.panelSide - 1))
      let tick = Point(x: corner.x + Layout.barWidth + 1, y: y)
      picture.fill(.grey, at: tick, width: Layout.tick, height: 1)
      let label = Point(x: tick.x + Layout.tick + Layout.nameGap, y: y - 3 * Layout.textScale)
      picture.draw(scale.label(share), at: label, scale: Layout.textScale, colour: .grey)
    }
  }
}

/// The range of numbers that the colours span.
///
/// A few extreme entries, such as a dead network's diagonal, would leave all others one colour; so the ends
/// are the 0.5th and 99.5th percentile of all panels together, and what lies beyond takes the end's colour.
private struct ColourScale: Sendable {
  let low: Double
  let high: Double

  init(of values: [Float]) {
    let sorted = values.filter(\.isFinite).sorted()
    func percentile(_ share: Double) -> Double {
      sorted.isEmpty ? 0 : Double(sorted[Int((share * Double(sorted.count - 1)).rounded())])
    }
    (low, high) = (percentile(0.005), percentile(0.995))
  }

  func colour(_ value: Float) -> Colour {
    // Equal numbers have no range: they all lie in its middle.
    high > low || value.isNaN ? ColourMap.colour((Double(value) - low) / (high - low)) : ColourMap.colour(0.5)
  }

  func label(_ share: Double) -> String { Format.decimal(low + share * (high - low), places: high - low < 0.1 ? 3 : 2) }
}

/// Where everything lies, in pixels.
private struct Layout: Sendable {
  static let textScale = 2
  static let titleScale = 3
  static let titleGap = 8
  static let nameGap = 6
  static let tick = 5
  static let barWidth = 20
  /// About how long a panel's side is; it is a multiple of the batch's size.
  private static let wantedSide = 384
  private static let margin = 20
  private static let gap = 28

  /// A matrix entry's side.
  let pixel: Int
  let panelSide: Int
  let columns: Int
  let showsNames: Bool
  let width: Int
  let height: Int
  private let left: Int

  init(panelCount: Int, size: Int, classStarts: [Int], classNames: [String]) {
    pixel = max(1, Self.wantedSide / size)
    panelSide = pixel * size
    let rows = (panelCount + 3) / 4
    columns = (panelCount + rows - 1) / rows

    // Names are shown if each has the room for a line of its own.
    let narrowest = zip(classStarts, classStarts.dropFirst() + [size]).map { $1 - $0 }.min() ?? 0
    showsNames = !classNames.isEmpty && narrowest * pixel >= Picture.textHeight(scale: Self.textScale)
    let longest = showsNames ? classNames.map { Picture.textWidth($0, scale: Self.textScale) }.max() ?? 0 : 0
    left = Self.margin + longest + Self.nameGap + Self.tick

    let numbers = Self.tick + Self.nameGap + Picture.textWidth("-0.000", scale: Self.textScale)
    width = left + columns * (panelSide + Self.gap) + Self.barWidth + numbers + Self.margin
    height = Self.margin + rows * (Self.titleHeight + panelSide + Self.gap)
  }

  private static var titleHeight: Int { Picture.textHeight(scale: titleScale) + titleGap }

  func panelCorner(_ index: Int) -> Point {
    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
    return Point(
      x: left + column * (panelSide + Self.gap),
      y: Self.margin + Self.titleHeight + row * (Self.titleHeight + panelSide + Self.gap))
  }

  var barCorner: Point { Point(x: left + columns * (panelSide + Self.gap), y: panelCorner(0).y) }

  /// A title as large as the panel's width allows, cut if even small letters do not fit.
  func fitted(_ title: String) -> (String, scale: Int) {
    for scale in [Self.titleScale, Self.textScale] where Picture.textWidth(title, scale: scale) <= panelSide {
      return (title, scale)
    }
    let room = panelSide / BitmapFont.advance
    return (title.count <= room ? title : title.prefix(max(0, room - 2)) + "..", 1)
  }
}
