// What a report says of how runs were made: their settings, machines and commands, and what was refused or warned of.

import Foundation
import Kindred
import KindredReport

extension ReportedStudy {
  /// Each run, with the machine and the command that makes it again.
  var settings: ReportSection {
    guard !runs.isEmpty else {
      return ReportSection(id: "runs", title: "Runs and settings", [.note("No run has begun yet.")])
    }
    var table = ReportTable(
      "Every run",
      [
        .text("method"), .text("run"), .number("plan seed"), .number("epochs"), .number("accuracy %"),
        .number("top-5 %"),
        .text("ended"), .number("took"), .number("images/s"), .number("peak memory"), .text("libtorch"),
        .text("Kindred"),
      ])
    for row in rows {
      for run in row.runs {
        let result = run.result
        func percent(_ value: Double?) -> ReportTable.Cell {
          .init(value.map { Format.decimal($0, places: 2) } ?? Format.missing)
        }
        let speed = result?.imagesPerSecond ?? run.epochs.last?.imagesPerSecond
        table.append([
          .init(row.name), .init(run.repetition), "\(run.settings.planSeed)",
          "\(result?.epochs ?? run.epochs.last?.epoch ?? 0)",
          percent(result?.accuracyPercent), percent(result?.top5AccuracyPercent),
          .init((result?.ended).map(Format.day) ?? Format.missing),
          .init((result?.seconds).map(Format.duration) ?? Format.missing),
          .init(speed.map { Format.decimal($0, places: 0) } ?? Format.missing),
          .init(result?.peakMemory.map(Format.bytes) ?? Format.missing), .init(result?.libtorch ?? Format.missing),
          .init(result?.version ?? Format.missing),
        ])
      }
    }
    let machines = runs.compactMap { $0.result?.machine?.words }.uniqued
    let commands = command.map { [ReportBlock.text("All of it again:"), .code($0)] } ?? []
    return ReportSection(
      id: "runs", title: "Runs and settings",
      commands + [.table(table)] + (machines.isEmpty ? [] : [.text("Trained on:"), .list(machines)])
        + [
          .text(
            "A run takes the time of its training, without the pauses between its starts. Peak memory is the process's; "
              + "of a comparison, with all that it did before. The configuration of each:")
        ]
        + rows.compactMap(configuration))
  }

  private func configuration(of row: Row) -> ReportBlock? {
    guard let run = row.runs.first else { return nil }
    let text = (try? run.folder.read(run.folder.configuration)).flatMap {
      $0.map { String(decoding: $0, as: UTF8.self) }
    }
    let weights = run.result?.lossWeights.sorted { $0.key < $1.key } ?? []
    let found = weights.map { "\($0.key) \(Format.short($0.value))" }.joined(separator: ", ")
    return .details(
      title: "\(row.name): \(run.repetition)", isOpen: false,
      [.text("This run again:"), .code(run.command)]
        + (found.isEmpty ? [] : [.text("Weights of the losses as they were used: \(found).")])
        + (text.map { [.text("\(run.folder.configuration.displayName):"), .code($0)] } ?? []))
  }

  /// What was refused or warned of.
  /// - Parameter problems: what a report could not measure.
  func remarks(_ problems: [String]) -> ReportSection {
    var lines: [(text: String, runs: [String])] = []
    for run in runs {
      let warnings = (run.result?.warnings ?? run.settings.warnings) + (run.result.map(notes) ?? [])
      for warning in warnings.uniqued {
        if let index = lines.firstIndex(where: { $0.text == warning }) {
          lines[index].runs.append(run.title)
        } else {
          lines.append((warning, [run.title]))
        }
      }
    }
    let warned = lines.map {
      "\($0.runs.count == runs.count ? "all runs" : $0.runs.joined(separator: ", ")): \($0.text)"
    }
    let refused = leftOut.map { "left out: \($0)" }
    let all = refused + problems + warned
    return ReportSection(
      id: "remarks", title: "Refused and warned of", [all.isEmpty ? .text("Nothing.") : .list(all)])
  }

  private func notes(_ result: RunResult) -> [String] {
    let local = (result.localRelations ?? []).map {
      "\($0) related the images of each of \(result.processes ?? 1) processes alone"
    }
    return local + (result.quantization.map { ["\($0)"] } ?? [])
  }
}

extension Machine {
  /// In one line.
  var words: String {
    "\(processor), \(cores) \(cores == 1 ? "core" : "cores"), \(threads) \(threads == 1 ? "thread" : "threads"), \(vectors), "
      + device
  }
}
