// A comparison as LaTeX takes it.

import Foundation
import KindredReport
import Testing

@Suite struct ComparisonLaTeXTests {
  private func row(
    _ method: String, _ accuracies: [Double], _ role: ComparisonRole = .student, network: String? = nil,
    published: Double? = nil, note: String? = nil
  ) -> ComparisonRow {
    ComparisonRow(
      method: method, role: role, network: network, accuracies: accuracies, published: published, parameters: 175_994,
      multiplyAdds: 1, note: note)
  }

  /// The cells of the rows between the rules.
  private func cells(_ latex: String) -> [[String]] {
    let body = latex.components(separatedBy: "\\midrule\n")[1].components(separatedBy: "    \\bottomrule")[0]
    return body.split(separator: "\n").map { line in
      line.dropLast(3).components(separatedBy: " & ").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test func structure() {
    let table = ComparisonTable(
      [
        row("teacher", [95.25], .teacher), row("plain", [87, 88, 89], .baseline),
        row("kd_$x", [96, 97, 98], published: 97.5),
      ], setting: "On 50 % of it.")
    #expect(
      table.latex == #"""
        % Needs \usepackage{booktabs}.
        \begin{table}
          \centering
          \caption{On 50 \% of it. Bold: a mean that leads all others of its network beyond the 95 \% intervals of their differences.}
          \begin{tabular}{lrrrrr}
            \toprule
            Method & Runs & Accuracy (\%) & Gain & Published & Parameters \\
            \midrule
            teacher & 1 & $95.25$ & teacher & -- & 0.18~M \\
            plain & 3 & $88.00 \pm 1.00$ & baseline & -- & 0.18~M \\
            kd\_\$x & 3 & $\mathbf{97.00 \pm 1.00}$ & $+9.00$ & $97.50$ & 0.18~M \\
            \bottomrule
          \end{tabular}
        \end{table}

        """#)
  }

  /// Deviations of 1 each: t of four degrees of freedom leaves 2.78 sqrt(2 / 3) = 2.27 points to chance.
  @Test func onlyALeadBeyondTheSpreadIsBold() {
    func isBold(_ rows: [ComparisonRow]) -> [Bool] {
      cells(ComparisonTable(rows).latex).map { $0[2].contains("mathbf") }
    }
    let plain = row("plain", [87, 88, 89], .baseline)
    #expect(isBold([plain, row("kd", [89, 90, 91])]) == [false, false])
    #expect(isBold([plain, row("kd", [90, 91, 92])]) == [false, true])
    // The same lead of a row that scatters six times as much.
    #expect(isBold([plain, row("kd", [85, 91, 97])]) == [false, false])
    #expect(isBold([plain, row("kd", [90, 91, 92]), row("sp", [91, 92, 93])]) == [false, false, false])
    #expect(isBold([plain, row("kd", [80, 81, 82])]) == [true, false])
    // A teacher is no rival, and a single run leads nobody.
    #expect(isBold([row("teacher", [99], .teacher), plain, row("kd", [90, 91, 92])]) == [false, false, true])
    #expect(isBold([row("plain", [80], .baseline), row("kd", [90])]) == [false, false])
    // Each network has a best of its own.
    let wide = [row("w", [70, 71, 72], .baseline, network: "wide"), row("w-kd", [75, 76, 77], network: "wide")]
    let narrow = [row("n", [50, 51, 52], .baseline, network: "narrow"), row("n-kd", [55, 56, 57], network: "narrow")]
    #expect(isBold(wide + narrow) == [false, true, false, true])
  }

  private let hostile = #"a&b%c$d#e_f{g}h~i^j\k<l>m|n"o[p]*q"#

  @Test func namesAreTakenAsTheyAre() {
    #expect(
      LaTeX.escaped(hostile)
        == ##"a\&b\%c\$d\#e\_f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k\textless{}l\textgreater{}"##
        + ##"m\textbar{}n''o{[}p]{*}q"##)
    #expect(LaTeX.escaped("90 ± 1\n") == "90 $\\pm$ 1 ")
  }

  private static let typesetter = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/pdflatex" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(.enabled(if: typesetter != nil, "needs pdflatex with booktabs"))
  func itCompiles() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindred-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let table = ComparisonTable(
      [
        row("[plain]", [87, 88, 89], .baseline), row("*" + hostile, [96, 97, 98], published: 3, note: hostile),
        row("none", []),
      ], setting: hostile, remarks: [hostile])
    let document =
      "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n\(table.latex)\\end{document}\n"
    try Data(document.utf8).write(to: folder.appending(path: "page.tex"))
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.typesetter))
    process.arguments = ["-draftmode", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    process.currentDirectoryURL = folder
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    process.waitUntilExit()
    let log = (try? String(contentsOf: folder.appending(path: "page.log"), encoding: .isoLatin1)) ?? ""
    #expect(process.terminationStatus == 0, "\(log.suffix(2000))")
  }
}
