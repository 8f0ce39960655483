// The page of files: what a run's folder and a comparison's hold.

import Foundation
import KindredReport

extension Reference {
  static func files() -> String {
    var page = MarkdownPage(
      "Files",
      "What is written where. Files appear whole or not at all. [JSON](../json.md) has the keys of those in JSON.")
    page.heading("A run's folder")
    let folder = RunFolder(URL(filePath: "/run"))
    page.table(["File", "What it is"], runFiles.map { [folder[keyPath: $0].lastPathComponent.code, $1] })
    page.heading("A comparison's folder")
    page.table(["File", "What it is"], comparisonFiles)
    page.heading("`table.csv`", level: 3)
    page.paragraphs(
      "After a head a record a row; `accuracies_percent` are those of the seeds, apart by spaces. "
        + "`published_percent` and `difference` are there where a row has a published accuracy. Its columns: "
        + columns.map(\.code).joined(separator: ", ") + ".")
    page.heading("A recording's folder")
    page.paragraphs("[Recorded teachers](../recording.md#layout) has its layout.")
    return page.text
  }

  private static let runFiles: [(KeyPath<RunFolder, URL> & Sendable, String)] = [
    (
      \.configuration, "all settings of the run with their values, and the SHA-256 of what it read; it can be run again"
    ),
    (\.metrics, "the log, an epoch a line"),
    (
      \.checkpoint,
      "the state that `--resume` goes on from: weights, optimiser, what losses train, the place in the plan; of a finished "
        + "run, which may have more epochs, without the weights"
    ),
    (\.weights, "the trained network; there when the run is finished"),
    (\.averageWeights, "the moving average of the weights, with `training.ema`"),
    (
      \.bestWeights,
      "the weights of the best evaluation so far; none in a finished run whose last evaluation was the best"
    ),
    (\.student, "a folder with the student's ONNX file, where it came in one"),
    (\.result, "the figures of the finished run"),
    (\.divergence, "why the run diverged, where it did"),
    (\.report, "a page on the run; none with `--no-report`"),
    (\.measurement, "what the page has measured of the network, so that the next one need not"),
    (\.tensorBoard, "a folder with what TensorBoard shows, with `--tensorboard`"),
  ]

  private static let comparisonFiles = [
    ["`NAME/seed-N`", "the run of row NAME with seed N"],
    ["`NAME/split-K-seed-N`", "the same on division K of the images, where there are several"],
    ["`table.md`", "the table in Markdown"],
    ["`table.csv`", "the table as comma-separated values"],
    ["`table.json`", "the table as JSON"],
    ["`table.tex`", "the table for LaTeX, with booktabs"],
    ["`report.html`", "a page on all of it; none with `--no-report`"],
    ["`teachers.json`", "what was measured of teachers given as weights or files, so that the next table need not"],
    ["`.recordings`", "teachers that are recorded for several runs; gone when these are through"],
  ]

  /// A table that has whatever a table may have.
  private static let table = ComparisonTable([
    ComparisonRow(method: "plain", role: .baseline, accuracies: [1, 2], published: 1, parameters: 1, multiplyAdds: 1),
    ComparisonRow(method: "sp", accuracies: [2, 4], parameters: 1, multiplyAdds: 1),
  ])

  private static var columns: [String] {
    table.csv.prefix { !$0.isNewline }.split(separator: ",").map(String.init)
  }
}
