// The log of a run: one JSON object an epoch.

import Files
import Foundation
import Kindred
import KindredReport

/// `metrics.jsonl`, rewritten whole with every epoch so that no reader ever sees half a line.
struct MetricsLog {
  private let folder: RunFolder
  private(set) var epochs: [LoggedEpoch]

  /// The log so far, without what lies after the checkpoint that the run resumes from.
  /// - Throws: `RunError` for a log that cannot be read, or a line that is none of a log.
  init(_ folder: RunFolder, before epoch: Int) throws {
    self.folder = folder
    let text = try folder.read(folder.metrics).map { String(decoding: $0, as: UTF8.self) }
    let lines = text?.split(separator: "\n").enumerated().map { ($0 + 1, $1) } ?? []
    let reports = try lines.map { number, line in
      guard let report = try? JSONDecoder().decode(LoggedEpoch.self, from: Data(line.utf8)) else {
        throw RunError(
          "\(folder.metrics.displayName): line \(number) is damaged; delete the file to go on without what was logged")
      }
      return report
    }
    epochs = reports.filter { $0.epoch <= epoch }
  }

  mutating func append(_ report: LoggedEpoch) throws {
    epochs.append(report)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let lines = try epochs.map {
      String(decoding: try encoder.encode(JSONDocument($0, .metrics)), as: UTF8.self) + "\n"
    }
    try folder.write(Data(lines.joined().utf8), to: folder.metrics)
  }
}
