// A report as data: what is said, shown and tabulated, and nothing of how a page looks.

import Foundation

/// A page that stands for itself.
package struct ReportPage: Sendable {
  /// What it is about.
  package var title: String
  /// Below the title.
  package var subtitle: String
  /// When it was written.
  package var date: Date
  /// Whether what it tells of goes on.
  package var isUnfinished: Bool
  package var sections: [ReportSection]

  package init(title: String, subtitle: String, date: Date, isUnfinished: Bool, sections: [ReportSection]) {
    (self.title, self.subtitle, self.date) = (title, subtitle, date)
    (self.isUnfinished, self.sections) = (isUnfinished, sections)
  }
}

/// A part of a page under a heading.
package struct ReportSection: Sendable {
  /// Its place in the page's address: letters and hyphens.
  package let id: String
  package let title: String
  package var blocks: [ReportBlock]

  package init(id: String, title: String, _ blocks: [ReportBlock]) {
    (self.id, self.title, self.blocks) = (id, title, blocks)
  }
}

/// What sections are made of.
package indirect enum ReportBlock: Sendable {
  case text(String)
  /// Why something is not there, or how far to trust what is.
  case note(String)
  case list([String])
  case table(ReportTable)
  /// Drawings side by side where there is room.
  case figures([SVGDocument])
  /// Matrices side by side where there is room.
  case matrices([ReportMatrix])
  /// Pictures with a caption each.
  case pictures([ReportPicture])
  /// Text as it is typed, such as a file.
  case code(String)
  /// What is shown on request.
  case details(title: String, isOpen: Bool, [ReportBlock])
}

/// Rows of text under heads.
package struct ReportTable: Sendable {
  /// A cell.
  package struct Cell: Sendable, ExpressibleByStringInterpolation {
    package let text: String
    /// From 0 to 1, how dark it is behind the text; nil for no shade.
    package let shade: Double?

    package init(_ text: String, shade: Double? = nil) { (self.text, self.shade) = (text, shade) }
    package init(stringLiteral text: String) { self.init(text) }
  }

  /// Says what it is; may be empty.
  package let caption: String
  package let columns: [TextTable.Column]
  /// A cell for each column, the first of each row its name.
  package private(set) var rows: [[Cell]] = []

  package init(_ caption: String = "", _ columns: [TextTable.Column]) {
    (self.caption, self.columns) = (caption, columns)
  }

  /// Adds a row: a cell for each column.
  package mutating func append(_ cells: [Cell]) {
    precondition(cells.count == columns.count, "\(cells.count) cells in a table of \(columns.count) columns")
    rows.append(cells)
  }
}

/// A small picture.
package struct ReportPicture: Sendable {
  package let picture: Picture
  package let caption: String

  package init(_ picture: Picture, caption: String) { (self.picture, self.caption) = (picture, caption) }
}

/// A matrix whose entries can be asked for, by pointer and by key.
package struct ReportMatrix: Sendable {
  /// What rows or columns are.
  package struct Side: Sendable {
    /// One for each, such as an image's class and number.
    package let names: [String]
    /// The sheet that shows them, a picture each in their order; nil for no pictures.
    package let sheet: PictureSheet?
    /// What some that follow each other have in common, such as their class, and how many they are; written beside them.
    package let groups: [(name: String, count: Int)]

    package init(names: [String], sheet: PictureSheet? = nil, groups: [(name: String, count: Int)] = []) {
      (self.names, self.sheet, self.groups) = (names, sheet, groups)
    }
  }

  package let title: String
  /// Row by row.
  package let values: [Float]
  package let rows: Side
  package let columns: Side
  package let scale: ColourScale

  /// - Parameter scale: nil for one of its own.
  package init(title: String, values: [Float], rows: Side, columns: Side, scale: ColourScale? = nil) {
    precondition(values.count == rows.names.count * columns.names.count, "\(title): a value for each row and column")
    (self.title, self.values, self.rows, self.columns) = (title, values, rows, columns)
    self.scale = scale ?? ColourScale(of: values)
  }
}

/// Pictures of one size in one, which several matrices share.
package struct PictureSheet: Sendable {
  /// No other sheet's of the page: letters and digits.
  package let id: String
  /// The side of each picture.
  package let side: Int
  /// How many lie side by side.
  package let columns: Int
  package let picture: Picture

  /// - Parameter pictures: squares of one size, at least one.
  package init(id: String, _ pictures: [Picture], columns: Int = 10) {
    precondition(!pictures.isEmpty, "a sheet has pictures")
    let side = pictures[0].width
    precondition(pictures.allSatisfy { $0.width == side && $0.height == side }, "pictures of one size")
    (self.id, self.side, self.columns) = (id, side, columns)
    let (width, height) = (columns * side, (pictures.count + columns - 1) / columns * side)
    var bytes = [UInt8](repeating: 255, count: width * height * 3)
    for (index, picture) in pictures.enumerated() {
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      for y in 0..<side {
        let start = ((row * side + y) * width + column * side) * 3
        bytes.replaceSubrange(start..<start + side * 3, with: picture.bytes[y * side * 3..<(y + 1) * side * 3])
      }
    }
    picture = Picture(width: width, height: height, bytes: bytes)
  }
}
