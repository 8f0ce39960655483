// Tables whose columns line up, for terminals and for Markdown.

/// Rows of text in columns.
package struct TextTable: Sendable {
  /// One column: its title, and the side its cells lean to.
  package struct Column: Sendable, Equatable {
    /// Stands at the head.
    package let title: String
    /// Whether cells lean to the right.
    package let isNumber: Bool

    /// Words, on the left.
    package static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    /// Numbers, on the right.
    package static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  /// From the left.
  package let columns: [Column]
  /// From the top, a cell for each column.
  package private(set) var rows: [[String]] = []

  /// A table without rows. If no column has a title, there is no head either.
  package init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row: a cell for each column.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == columns.count, "\(cells.count) cells in a table of \(columns.count) columns")
    rows.append(cells)
  }

  /// The table for a terminal: two spaces between columns, a rule under the head, a line break after every row.
  package var text: String {
    let widths = columnWidths(atLeast: 0) { $0 }
    let titles = columns.map(\.title)
    let rule = widths.map { String(repeating: "-", count: $0) }
    let head = titles.allSatisfy(\.isEmpty) ? [] : [titles, rule]
    return (head + rows).map { cells in
      let line = padded(cells, widths).joined(separator: "  ")
      return line.trimmingTrailingSpaces() + "\n"
    }.joined()
  }

  /// The table in Markdown, its source aligned too.
  package var markdown: String {
    let widths = columnWidths(atLeast: 3, escaped)
    let rule = zip(columns, widths).map { column, width in
      String(repeating: "-", count: column.isNumber ? width - 1 : width) + (column.isNumber ? ":" : "")
    }
    let lines = [columns.map(\.title).map(escaped), rule] + rows.map { $0.map(escaped) }
    return lines.map { "| \(padded($0, widths).joined(separator: " | ")) |\n" }.joined()
  }

  private func columnWidths(atLeast least: Int, _ spelling: (String) -> String) -> [Int] {
    columns.indices.map { index in
      ([columns[index].title] + rows.map { $0[index] }).map { spelling($0).count }.reduce(least, max)
    }
  }

  private func padded(_ cells: [String], _ widths: [Int]) -> [String] {
    columns.indices.map { index in
      let space = String(repeating: " ", count: widths[index] - cells[index].count)
      return columns[index].isNumber ? space + cells[index] : cells[index] + space
    }
  }

  /// A bar would end a Markdown cell.
  private func escaped(_ cell: String) -> String {
    cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}

extension String {
  fileprivate func trimmingTrailingSpaces() -> String {
    String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)])
  }
}

/// Comma-separated values after RFC 4180.
package enum CSV {
  /// One record, with the line break (CR LF) that the format asks for.
  package static func record(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",") + "\r\n"
  }

  private static func quoted(_ field: String) -> String {
    // Scalars, because a carriage return and a line feed are one character.
    guard field.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return field }
    return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
