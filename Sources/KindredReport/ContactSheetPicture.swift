// A contact sheet with its classes' names.

/// Images in rows, a row a class, and the class's name beside each.
package struct ContactSheetPicture: Sendable {
  private let sheet: Picture
  private let names: [String]
  private let title: String

  /// - Parameters:
  ///   - sheet: rows of the same height from top to bottom.
  ///   - names: one a row.
  ///   - title: what the images are.
  package init(_ sheet: Picture, names: [String], title: String) {
    precondition(!names.isEmpty, "a contact sheet has rows")
    (self.sheet, self.names, self.title) = (sheet, names, title)
  }

  private static let (margin, size) = (8.0, 12.0)

  /// The drawing.
  package func draw() -> SVGDocument {
    let room = min(names.map { TextWidth.of($0, size: Self.size) }.max() ?? 0, 200)
    let box = Box(
      x: 2 * Self.margin + room, y: Self.margin, width: Double(sheet.width), height: Double(sheet.height))
    let row = box.height / Double(names.count)
    let labels = names.enumerated().map { index, name in
      let place = Point(x: Self.margin + room, y: box.y + (Double(index) + 0.5) * row)
      return SVGElement.text(SVGText(name, at: place, size: Self.size, anchor: .end), within: room)
    }
    return SVGDocument(
      width: box.right + Self.margin, height: box.bottom + Self.margin, title: title,
      description: "The first images of each class, a row each: \(names.joined(separator: ", ")).",
      elements: [.image(sheet, box)] + labels)
  }
}
