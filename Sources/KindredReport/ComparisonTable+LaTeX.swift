// A comparison as a table for a paper.

extension ComparisonTable {
  /// A `table` that needs the package booktabs.
  ///
  /// A mean is bold where it leads every other student of the same network by more than `resolution`; others, and those of
  /// a table without one, are not told apart by type.
  /// - Parameter setting: what the accuracies are of, the caption's first sentence.
  package func latex(setting: String) -> String {
    let hasNotes = summaries.contains { $0.note != nil }
    let numbers = 4 + (hasPublished ? 1 : 0)
    let head =
      ["Method", "Runs", "Accuracy (\\%)", "Gain"] + (hasPublished ? ["Published"] : []) + ["Parameters"]
      + (hasNotes ? ["Note"] : [])
    let rows = summaries.indices.map { index in
      let row = summaries[index]
      let note = hasNotes ? [LaTeX.escaped(row.note ?? "")] : []
      return [LaTeX.escaped(row.method), "\(row.runs)", accuracy(of: row, isBold: leaders.contains(index)), gain(row)]
        + (hasPublished ? [places(row.published)] : []) + [Format.count(row.parameters).replacing(" ", with: "~")]
        + note
    }
    return """
      % Needs \\usepackage{booktabs}.
      \\begin{table}
        \\centering
        \\caption{\(LaTeX.escaped(([setting] + [emphasis] + remarks).joined(separator: " ")))}
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
    guard let resolution else { return "With so few runs no difference can be told from chance: no mean is bold." }
    let points = Format.decimal(resolution, places: 2)
    return leaders.isEmpty
      ? "No mean leads all others by more than \(points) points, which the runs' spread explains: none is bold."
      : "Bold: a mean that leads all others of its network by more than \(points) points."
  }

  /// The rows whose lead over every other of the same network is more than the seeds' spread.
  private var leaders: Set<Int> {
    guard let resolution else { return [] }
    let students = summaries.indices.filter { summaries[$0].role != .teacher }
    return Set(
      students.filter { index in
        let others = students.filter { $0 != index && networks[$0] == networks[index] }.compactMap {
          summaries[$0].mean
        }
        guard let mean = summaries[index].mean, summaries[index].runs > 1, let second = others.max() else {
          return false
        }
        return mean - second > resolution
      })
  }

  private func accuracy(of row: ComparisonSummary, isBold: Bool) -> String {
    guard let mean = row.mean else { return "--" }
    let spread = row.deviation.map { " \\pm \(Format.decimal($0, places: 2))" } ?? ""
    let text = "\(Format.decimal(mean, places: 2))\(spread)"
    return isBold ? "$\\mathbf{\(text)}$" : "$\(text)$"
  }

  private func gain(_ row: ComparisonSummary) -> String {
    row.role == .student ? row.gain.map { "$\(Format.signed($0, places: 2))$" } ?? "--" : row.role.rawValue
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
