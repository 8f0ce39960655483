// The page of files: what a run's folder and a comparison's hold, key by key.

import Foundation
import Kindred
import KindredReport

extension Reference {
  static func files() throws -> String {
    var page = MarkdownPage(
      "Files",
      "What is written, and what stands in it. Files appear whole or not at all. A key that is not always there is marked so; "
        + "accuracies of runs lie between 0 and 1, those of tables are in percent.")
    page.heading("A run's folder")
    let folder = RunFolder(URL(filePath: "/run"))
    page.table(["File", "What it is"], runFiles.map { [folder[keyPath: $0].lastPathComponent.code, $1] })
    page.heading("`\(folder.metrics.lastPathComponent)`", level: 3)
    page.paragraphs("A JSON object an epoch, a line each.")
    try page.keys(try KeyFinder.keys(of: EpochReport.self), epochKeys)
    page.heading("`\(folder.result.lastPathComponent)`", level: 3)
    page.paragraphs("One JSON object. Accuracies are those of the last epoch.")
    try page.keys(try KeyFinder.keys(of: RunResult.self, words: ["precision": "int8"]), resultKeys)
    page.heading("A comparison's folder")
    page.table(["File", "What it is"], comparisonFiles)
    page.heading("`table.json`", level: 3)
    page.paragraphs("One JSON object.")
    try page.keys(try tableKeys(), tableKeyHelp)
    page.heading("`table.csv`", level: 3)
    page.paragraphs(
      "After a head a record a row, numbers in full precision; `accuracies` are those of the seeds, apart by spaces. "
        + "`published` and `difference` are there where a row has a published accuracy. Its columns: "
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
      "the state that `--resume` goes on from: weights, optimiser, what losses train, the place in the plan"
    ),
    (\.weights, "the trained network; there when the run is finished"),
    (\.averageWeights, "the moving average of the weights, with `training.ema`"),
    (\.bestWeights, "the weights of the best evaluation so far"),
    (\.student, "a folder with the student's ONNX file, where it came in one"),
    (\.result, "the figures of the finished run"),
    (\.divergence, "why the run diverged, where it did"),
  ]

  private static let comparisonFiles = [
    ["`NAME/seed-N`", "the run of row NAME with seed N"],
    ["`NAME/split-K-seed-N`", "the same on division K of the images, where there are several"],
    ["`table.md`", "the table in Markdown"],
    ["`table.csv`", "the table as comma-separated values"],
    ["`table.json`", "the table as JSON"],
    ["`.recordings`", "teachers that are recorded for several runs; gone when these are through"],
  ]

  private static let epochKeys: [String: String] = [
    "epoch": "counted from 1",
    "learningRate": "the epoch's",
    "terms":
      "means over the epoch's batches: `loss` is the weighted sum, the others are the terms, unweighted, by name",
    "trainingAccuracy": "on the training batches as augmented, while the network changed; where images have a class",
    "imagesPerSecond": "the mean over the epoch's steps",
    "accuracy": "on the evaluation images, in the epochs that evaluate",
    "top5Accuracy": "the share whose class is among the five with the largest logits, as `accuracy`",
    "evaluationLoss": "mean cross-entropy on the evaluation images, as `accuracy`",
    "averageAccuracy": "`accuracy` of the weights' moving average, with `training.ema`",
    "averageTop5Accuracy": "its `top5Accuracy`",
    "averageEvaluationLoss": "its `evaluationLoss`",
    "gradientNorm": "the mean norm of the steps' gradients before they were clipped, with `training.clip_gradients`",
  ]

  private static let resultKeys: [String: String] = [
    "name": "the run's",
    "network": "the student's name",
    "teacher": "the teacher's name, of a distilled student",
    "quantization": "what an int8 teacher cost",
    "quantization.precision": "`int8`",
    "quantization.inputs": "the images that it was measured on",
    "quantization.convolutions": "how many convolutions work in fewer bits",
    "quantization.convolutions.quantized": "those that do",
    "quantization.convolutions.convolutions": "of so many",
    "quantization.accuracy": "top-1 accuracies, where labels are the teacher's classes",
    "quantization.accuracy.float32": "in float32",
    "quantization.accuracy.int8": "in int8",
    "quantization.similarities": "by the name of an activation: `relativeError` and `correlation` of the Gram matrix",
    "evaluatedOn": "the data set and the part of it, such as `cifar-10 test`; absent where no image had a class",
    "images": "how many were measured on",
    "seed": "`training.seed`",
    "planSeed": "the seed of order and augmentation",
    "epochs": "those that were trained: fewer than the configuration's where the run ended early",
    "accuracy": "the share of images whose class has the largest logit",
    "top5Accuracy": "the share whose class is among the five with the largest logits",
    "loss": "mean cross-entropy",
    "average": "the same of the weights' moving average, with `training.ema`",
    "average.accuracy": "as `accuracy`",
    "average.top5Accuracy": "as `top5Accuracy`",
    "average.loss": "as `loss`",
    "best": "the best evaluation; the figures above are not its",
    "best.epoch": "counted from 1",
    "best.accuracy": "the highest",
    "best.isAverage": "whether it is the moving average's",
    "best.evaluationsSince": "the evaluations since then, none of which was better",
    "parameters": "the trained numbers of the network that is kept",
    "multiplyAdds": "of one image's forward pass",
    "lossWeights": "the weights as they were used, by term",
    "imagesPerSecond": "the mean of the epochs' speeds",
    "processes": "how many shared the run",
    "localRelations": "the losses that related the images of each process alone",
    "libtorch": "its version",
    "version": "Kindred's",
  ]

  private static let tableKeyHelp: [String: String] = [
    "methods": "the rows, in the table's order",
    "methods.method": "the row's name",
    "methods.role": "`teacher`, `baseline` (the plain student that gains are over) or `student`",
    "methods.accuracies": "one a run, in percent",
    "methods.runs": "how many there are",
    "methods.mean": "their mean",
    "methods.deviation": "their sample standard deviation, of two runs and more",
    "methods.median": "the middle one, or the mean of the middle two",
    "methods.best": "the highest",
    "methods.worst": "the lowest",
    "methods.gain": "the mean's difference to the baseline's, in points",
    "methods.published": "the accuracy that was published",
    "methods.difference": "how far the mean is above it, in standard deviations of the row's own runs",
    "methods.parameters": "the network's trained numbers",
    "methods.multiplyAdds": "of one image's forward pass",
    "methods.note": "what else is to be said of the row",
    "remarks": "what else is to be said of the runs, a sentence each",
    "resolution": "differences of means below so many points are within the seeds' spread",
  ]

  /// A table that has whatever a table may have.
  private static let table = ComparisonTable([
    ComparisonRow(method: "plain", role: .baseline, accuracies: [1, 2], published: 1, parameters: 1, multiplyAdds: 1),
    ComparisonRow(method: "sp", accuracies: [2, 4], parameters: 1, multiplyAdds: 1),
  ])

  /// A table's keys, those of a row after `methods`.
  private static func tableKeys() throws -> [ReadKey] {
    let document = try JSONSerialization.jsonObject(with: try table.json()) as? [String: Any] ?? [:]
    let types = ["methods": "list of objects", "remarks": "list of texts", "resolution": "number"]
    return try document.keys.sorted().flatMap { key in
      let rows = key == "methods" ? try KeyFinder.keys(of: ComparisonSummary.self, words: ["role": "student"]) : []
      return [ReadKey(path: [key], type: types[key] ?? "", isOptional: key == "resolution")]
        + rows.map { ReadKey(path: [key] + $0.path, type: $0.type, isOptional: $0.isOptional) }
    }
  }

  private static var columns: [String] {
    table.csv.prefix { !$0.isNewline }.split(separator: ",").map(String.init)
  }
}

extension MarkdownPage {
  /// A line for each key.
  /// - Throws: `RunError` for a key that has none, and for a line of no key.
  fileprivate mutating func keys(_ keys: [ReadKey], _ help: [String: String]) throws {
    var unused = help
    table(
      ["Key", "Type", "What it is"],
      try keys.map { key in
        let name = key.path.joined(separator: ".")
        guard let line = unused.removeValue(forKey: name) else {
          throw RunError("\(name) has no line in Sources/KindredExperiments/Reference/FilesPage.swift")
        }
        return [name.code, key.type + (key.isOptional ? ", not always" : ""), line]
      })
    if let name = unused.keys.min() { throw RunError("there is no key \(name), which the reference has a line for") }
  }
}
