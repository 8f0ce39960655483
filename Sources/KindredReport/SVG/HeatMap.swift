// Matrices as colours, side by side: what networks give for the same images.

/// Matrices whose rows belong to classes, a panel each, in rows of up to four.
package struct HeatMap: Sendable {
  /// One matrix.
  package struct Panel: Sendable {
    /// Written above it.
    package let title: String
    /// `rows x columns`, row by row.
    package let values: [Float]
    package let rows: Int
    package let columns: Int
    /// Written below it, a line each.
    package let notes: [String]

    /// A panel; values of another number are a programmer's mistake.
    package init(title: String, values: [Float], rows: Int, columns: Int, notes: [String] = []) {
      precondition(rows > 0 && columns > 0, "\(title): a matrix has a size")
      precondition(values.count == rows * columns, "\(title): \(values.count) values are not \(rows) x \(columns)")
      (self.title, self.values, self.rows, self.columns) = (title, values, rows, columns)
      self.notes = notes
    }
  }

  /// What the columns are.
  package enum Columns: Sendable, Equatable {
    /// The same as the rows.
    case likeRows
    /// Things of this name, counted from 0.
    case numbered(String)
  }

  /// What a colour means.
  package enum Scale: Sendable {
    /// The same number in all panels.
    case shared
    /// A number of the panel's own.
    case own
  }

  let heading: String
  let description: String
  let panels: [Panel]
  let classes: ClassTicks
  let columns: Columns
  let scale: Scale

  /// - Parameters:
  ///   - heading: written above all panels.
  ///   - description: what is seen, for those who do not see it.
  ///   - panels: at least one, all of as many rows.
  ///   - classStarts: the first row of each class, ascending, from 0.
  ///   - classNames: one for each class in `classStarts`, or none.
  ///   - columns: what the columns are.
  ///   - scale: whether all panels share one.
  package init(
    heading: String, description: String, panels: [Panel], classStarts: [Int], classNames: [String],
    columns: Columns, scale: Scale
  ) {
    precondition(!panels.isEmpty, "a heat map has a panel")
    let rows = panels[0].rows
    precondition(panels.allSatisfy { $0.rows == rows }, "the panels have different rows")
    precondition(
      classStarts.allSatisfy { (0..<rows).contains($0) } && zip(classStarts, classStarts.dropFirst()).allSatisfy(<),
      "classes start inside the matrix, in order")
    precondition(classNames.isEmpty || classNames.count == classStarts.count, "a name for each class, or none")
    (self.heading, self.description, self.panels) = (heading, description, panels)
    (self.columns, self.scale) = (columns, scale)
    classes = ClassTicks(starts: classStarts, names: classNames, rows: rows)
  }
}

/// Where classes begin and end along a side of a panel, and which of their names there is room for.
struct ClassTicks: Sendable {
  private let starts: [Int]
  private let names: [String]
  private let rows: Int

  init(starts: [Int], names: [String], rows: Int) { (self.starts, self.names, self.rows) = (starts, names, rows) }

  /// The borders between classes on a side of a length; none where they would lie too close to be told apart.
  func borders(along side: Double) -> [Double] {
    let places = (starts + [rows]).map { Double($0) / Double(rows) * side }
    return zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 4 } ? places : []
  }

  /// The names that fit below each other on a side of a length, with their classes' middles: all of them, or every few.
  func names(along side: Double, lineHeight: Double) -> [(name: String, middle: Double)] {
    var shown: [(name: String, middle: Double)] = []
    for (name, (start, end)) in zip(names, zip(starts, starts.dropFirst() + [rows])) {
      let middle = Double(start + end) / Double(2 * rows) * side
      if middle >= (shown.last?.middle ?? -lineHeight) + lineHeight { shown.append((name, middle)) }
    }
    return shown
  }
}
