// The log of a run: one JSON object an epoch.

import Foundation
import Kindred

/// `metrics.jsonl`, rewritten whole with every epoch so that no reader ever sees half a line.
struct MetricsLog {
  private let folder: RunFolder
  private(set) var epochs: [EpochReport]

  /// The log so far, without what lies after the checkpoint that the run resumes from.
  init(_ folder: RunFolder, before epoch: Int) {
    self.folder = folder
    let text = (try? String(contentsOf: folder.metrics, encoding: .utf8)) ?? ""
    let reports = text.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(EpochReport.self, from: Data($0.utf8))
    }
    epochs = reports.filter { $0.epoch <= epoch }
  }

  mutating func append(_ report: EpochReport) throws {
    epochs.append(report)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let lines = try epochs.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
    try folder.write(Data(lines.joined().utf8), to: folder.metrics)
  }
}
