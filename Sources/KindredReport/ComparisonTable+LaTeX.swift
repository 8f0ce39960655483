// A comparison as a table for a paper.

extension ComparisonTable {
  /// A `table` that needs the package booktabs.
  ///
  /// A mean is bold where it leads every other student of the same network by more than the interval of their difference;
  /// others are not told apart by type.
  package var latex: String {
    let hasNotes = summaries.contains { $0.note != nil }
    let numbers = 4 + (hasPublished ? 1 : 0)
    let head =
      ["Method", "Runs", "Accuracy (\\%)", "Gain"] + (hasPublished ? ["Published"] : []) + ["Parameters"]
      + (hasNotes ? ["Note"] : [])
    let leaders = leaders
    let rows = summaries.indices.map { index in
      let row = summaries[index]
      let note = hasNotes ? [LaTeX.escaped(row.note ?? "")] : []
      return [LaTeX.escaped(row.method), "\(row.runs)", accuracy(of: row, isBold: leaders.contains(index)), gain(row)]
        + (hasPublished ? [places(row.publishedPercent)] : [])
        + [row.parameters.map { Format.count($0).replacing(" ", with: "~") } ?? "--"]
        + note
    }
    return """
      % Needs \\usepackage{booktabs}.
      \\begin{table}
        \\centering
        \\caption{\(LaTeX.escaped(((setting.isEmpty ? [] : [setting]) + [emphasis] + remarks).joined(separator: " ")))}
        \\begin{tabular}{l\(String(repeating: "r", count: numbers))\(hasNotes ? "l" : "")}
          \\toprule
          \(head.joined(separator: " & ")) \\\\
          \\midrule
      \(rows.map { "    \($0.joined(separator: " & ")) \\\\" }.joined(separator: "\n"))
          \\bottomrule
        \\end{tabular}
      \\end{table}

      """
  }

  /// What bold type means here.
  private var emphasis: String {
    guard canTell else { return "With so few runs no difference can be told from chance: no mean is bold." }
    return leaders.isEmpty
      ? "No mean leads all others beyond the 95 % intervals of their differences: none is bold."
      : "Bold: a mean that leads all others of its network beyond the 95 % intervals of their differences."
  }

  private func accuracy(of row: ComparisonSummary, isBold: Bool) -> String {
    guard let mean = row.meanPercent else { return "--" }
    let spread = row.deviationPoints.map { " \\pm \(Format.decimal($0, places: 2))" } ?? ""
    let text = "\(Format.decimal(mean, places: 2))\(spread)"
    return isBold ? "$\\mathbf{\(text)}$" : "$\(text)$"
  }

  private func gain(_ row: ComparisonSummary) -> String {
    row.role == .student ? row.gainPoints.map { "$\(Format.signed($0, places: 2))$" } ?? "--" : row.role.rawValue
  }

  private func places(_ value: Double?) -> String { value.map { "$\(Format.decimal($0, places: 2))$" } ?? "--" }
}

/// Text for LaTeX.
package enum LaTeX {
  /// Plain text, none of whose characters LaTeX takes for its own.
  package static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "&", "%", "$", "#", "_", "{", "}": "\\\(scalar)"
      case "\\": "\\textbackslash{}"
      case "~": "\\textasciitilde{}"
      case "^": "\\textasciicircum{}"
      case "<": "\\textless{}"
      case ">": "\\textgreater{}"
      case "|": "\\textbar{}"
      case "\"": "''"
      // Behind the end of a row these would be its options.
      case "[", "*": "{\(scalar)}"
      case "±": "$\\pm$"
      case "–": "--"
      case _ where scalar.properties.generalCategory == .control: " "
      default: String(scalar)
      }
    }.joined()
  }
}
