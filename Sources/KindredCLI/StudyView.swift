// What `kindred inspect` prints of a study.

import Foundation
import Kindred
import KindredExperiments
import KindredReport

/// A study's runs as tables and sentences.
struct StudyView {
  private let study: Study
  private let teachers: [Configuration]

  /// - Parameter jobs: the comparison's, of which the teachers are shown too.
  init(_ study: Study, jobs: [Comparison.Job]) {
    self.study = study
    let compared = Set(study.rows.map(\.settings.name))
    teachers = jobs.filter { $0.isTeacher && !compared.contains($0.settings.name) }.map(\.settings)
  }

  /// The runs of a comparison and what they are expected to take, in tables and sentences.
  /// - Parameter measuring: for how long steps may be measured; nil for not at all.
  /// - Throws: as `Comparison.plan`.
  static func text(_ rows: [Study.Row], _ comparison: Comparison, measuring: Duration? = .seconds(30)) throws -> String
  {
    let view = StudyView(Study(rows: rows), jobs: comparison.jobs)
    return view.rows + "\n" + view.summary(try comparison.plan(measuring: measuring))
  }

  /// A line for each row, below the teachers that are trained for them.
  var rows: String {
    let hasPublished = study.rows.contains { $0.published != nil }
    let hasSplits = study.rows.contains { $0.splits != nil }
    var table = TextTable(
      [.text("row")] + (hasSplits ? [.number("splits")] : []) + [
        .number("seeds"), .text("student"), .text("teacher"), .text("losses"), .number("epochs"),
        .number("batch"),
      ] + (hasPublished ? [.number("published")] : []))
    let teachers = Dictionary(grouping: teachers, by: \.name).values.map {
      Study.Row($0[0], seeds: 1, splits: $0[0].data.split == nil ? nil : $0.count)
    }.sorted { $0.settings.name < $1.settings.name }
    for row in teachers + study.rows {
      let (settings, training) = (row.settings, row.settings.training)
      let published = row.published.map { Format.decimal($0, places: 2) } ?? Format.missing
      table.append(
        [settings.name] + (hasSplits ? [row.splits.map { "\($0)" } ?? Format.missing] : []) + [
          "\(row.seedCount)", settings.student.network.name, settings.teacherTitle,
          settings.lossTitle, "\(training.epochs)", "\(training.batchSize)",
        ] + (hasPublished ? [published] : []))
    }
    return table.text
  }

  /// What is recorded, and what all of it is expected to take.
  func summary(_ plan: ComparisonPlan) -> String {
    let recordings = plan.signals.isEmpty ? "" : signals(plan.signals) + "\n"
    let done = plan.finished > 0 ? ", of which \(plan.finished) are finished" : ""
    let recording = plan.recordingBytes > 0 ? ", and up to \(Format.bytes(plan.recordingBytes)) for recordings" : ""
    let space = "Space: about \(Format.bytes(plan.runBytes)) for runs\(recording).\n"
    return recordings + "\(plan.runs) runs\(done).\n" + time(plan) + space
  }

  private func time(_ plan: ComparisonPlan) -> String {
    let obstacle = plan.obstacle.map { " Some steps could not be measured: \($0)." } ?? ""
    guard let estimate = plan.estimate else { return "Time: not measured.\(obstacle)\n" }
    let reckoned = estimate.reckoned == 0 ? "" : " and reckoned for \(estimate.reckoned) more by their multiply-adds"
    return "Time: about \(Format.duration(estimate.seconds)) here, an estimate from a few steps of "
      + "\(estimate.measured) \(estimate.measured == 1 ? "combination" : "combinations") of networks and losses on "
      + "synthetic images\(reckoned).\(obstacle)\n"
  }

  /// Signals that differ by nothing but their seeds share a line.
  private func signals(_ signals: [ComparisonPlan.Signal]) -> String {
    var table = TextTable([
      .text("teacher"), .number("signals"), .number("runs each"), .text("use"), .number("bytes each"),
      .text("recorded"),
    ])
    var known: [(signal: ComparisonPlan.Signal, count: Int)] = []
    for signal in signals {
      if let index = known.firstIndex(where: { $0.signal == signal }) {
        known[index].count += 1
      } else {
        known.append((signal, 1))
      }
    }
    for (signal, count) in known {
      table.append([
        signal.teacher, "\(count)", "\(signal.runs)", signal.use.rawValue, Format.bytes(signal.bytes),
        recorded(signal),
      ])
    }
    return table.text
  }

  /// A study of all methods has dozens, which no terminal has room for in a line.
  private func recorded(_ signal: ComparisonPlan.Signal) -> String {
    guard signal.use == .recorded else { return Format.missing }
    let (names, shown) = (signal.signals, 4)
    let rest = names.count > shown + 1 ? " and \(names.count - shown) more" : ""
    return names.prefix(rest.isEmpty ? names.count : shown).joined(separator: ", ") + rest
  }
}

extension Configuration {
  fileprivate var teacherTitle: String {
    teacher.map { $0.all.map(\.title).joined(separator: " + ") } ?? Format.missing
  }

  /// Every term with its weight.
  fileprivate var lossTitle: String {
    let terms = losses.terms.map { "\($0.id) \($0.value.map(StudyView.weight) ?? "auto")" }
    let crossEntropy = losses.crossEntropyWeight
    let own = crossEntropy == 1 ? ["ce"] : crossEntropy == 0 ? [] : ["ce \(StudyView.weight(crossEntropy))"]
    return (own + terms).joined(separator: " + ")
  }
}

extension StudyView {
  /// A weight without the noise of its binary form.
  fileprivate static func weight(_ value: Double) -> String { String(format: "%.6g", value) }
}

extension Configuration.Teacher {
  /// The network's name, or its file's.
  fileprivate var title: String {
    switch source {
    case .weights(let network, _), .configuration(let network, _): network.name
    case .recording(let file): file.url.lastPathComponent
    case .exported(let exported): exported.file.url.lastPathComponent
    case .onnx(let source): source.file.url.lastPathComponent
    case .several(let teachers): teachers.map(\.title).joined(separator: " + ")
    }
  }
}
