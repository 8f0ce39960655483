// What a report is about: runs in rows, wherever they were found.

import Files
import Foundation
import Kindred
import KindredReport
import KindredVision

/// Runs that belong together.
package struct ReportedStudy {
  /// The runs of one name: one configuration with several seeds or splits.
  struct Row {
    let name: String
    var role: ComparisonRole
    var runs: [ReportedRun]
    /// How many there are to be.
    let planned: Int
    var published: Double?

    /// Its finished runs with an accuracy.
    var measured: [ReportedRun] { runs.filter { $0.accuracy != nil } }
    /// In percent, one a measured run.
    var accuracies: [Double] { measured.compactMap(\.accuracy) }
    /// Which images measured it; nil for no finished run.
    var measuredOn: String? { measured.first?.result?.evaluatedOn }
    /// Of its student.
    var network: String { runs.first?.settings.student.network.name ?? "" }
  }

  let title: String
  /// The command that makes all of it again; nil where each run has its own.
  let command: String?
  var rows: [Row]
  /// Teachers that no run has made.
  private var givenTeachers: [ComparisonRow] = []
  /// What was left out, and why, a line each.
  package private(set) var leftOut: [String] = []

  var runs: [ReportedRun] { rows.flatMap(\.runs) }

  /// Whether all that was planned is there.
  package var isFinished: Bool {
    rows.allSatisfy { $0.runs.count == $0.planned && $0.runs.allSatisfy { $0.result != nil } }
  }

  /// Whether it is known what was planned, as it is of all but folders with runs below them.
  package private(set) var isComplete = true

  /// What tells a state of the runs from a later one.
  package struct Signature: Equatable {
    fileprivate let epochs: [String: Int]
    fileprivate let finished: Int
  }

  package var signature: Signature {
    Signature(
      epochs: Dictionary(runs.map { ($0.folder.url.path, $0.epochs.count) }) { $1 },
      finished: runs.count { $0.result != nil })
  }

  /// What a student is measured against: the first plain row of its network, or else the first of all.
  func baseline(of row: Row) -> Row? {
    let plain = rows.filter { $0.role == .baseline && $0.name != row.name }
    return row.role == .student ? plain.first { $0.network == row.network } ?? plain.first : nil
  }

  /// Plain rows that are nobody's baseline are students like the others, as they are in `ComparisonTable`.
  private mutating func settleRoles() {
    let first = rows.firstIndex { $0.role == .baseline }
    let taught = Set(rows.filter { $0.role == .student }.map(\.network))
    for index in rows.indices where rows[index].role == .baseline && index != first {
      if !taught.contains(rows[index].network) { rows[index].role = .student }
    }
  }

  /// The table of finished runs.
  var table: ComparisonTable {
    let shown = rows.filter { !$0.accuracies.isEmpty }.compactMap { row -> ComparisonRow? in
      guard let result = row.measured.first?.result else { return nil }
      return ComparisonRow(
        method: row.name, role: row.role, network: row.network, accuracies: row.accuracies, published: row.published,
        parameters: result.parameters, multiplyAdds: result.multiplyAdds)
    }
    // Runs on several splits of the images differ by their split first of all.
    let isPaired = rows.allSatisfy { row in
      Set(row.measured.compactMap(\.pairing.split)).count > 1 || row.measured.isEmpty
    }
    let compared = rows.filter { $0.role != .teacher }.flatMap(\.measured)
    let setting = MeasuredSetting(
      compared.compactMap { run in run.result.map { ($0, run.pairing.split, run.pairing.seed) } })
    return ComparisonTable(givenTeachers + shown, setting: setting.sentence, isPaired: isPaired)
  }

  /// The rows that were measured on the same images, apart from those that were measured on others.
  var parts: [ReportedStudy] {
    let places = rows.compactMap(\.measuredOn).uniqued
    guard places.count > 1 else { return [self] }
    return places.map { place in
      var part = self
      part.rows = rows.filter { $0.measuredOn == place }
      return part
    }
  }
}

extension ReportedStudy {
  /// A comparison's runs as they are now, those that are not begun left out.
  /// - Parameter command: what makes the comparison again.
  package init(_ comparison: Comparison, title: String, command: String?) {
    (self.title, self.command) = (title, command)
    var leftOut: [String] = []
    func row(_ name: String, _ role: ComparisonRole, _ jobs: [Comparison.Job], published: Double? = nil) -> Row {
      let runs = jobs.compactMap { job -> ReportedRun? in
        guard FileManager.default.fileExists(atPath: job.folder.configuration.path) else { return nil }
        do {
          let run = try ReportedRun(job.folder)
          let wanted = job.settings.resolvingLayers(like: run.settings, runs: comparison.runs)
          if let difference = wanted.difference(from: run.settings) {
            throw RunError("\(job.folder.name) holds another run (\(difference))")
          }
          return run
        } catch {
          leftOut.append("\(error)")
          return nil
        }
      }
      return Row(name: name, role: role, runs: runs, planned: jobs.count, published: published)
    }
    rows = comparison.teacherNames.map { name in
      row(name, .teacher, comparison.teachers.filter { $0.settings.name == name })
    }
    rows += comparison.rows.map {
      row($0.settings.name, comparison.role(of: $0.settings), comparison.runs(of: $0), published: $0.published)
    }
    self.leftOut = leftOut
    givenTeachers = (try? comparison.givenTeacherRows) ?? []
    settleRoles()
  }

  /// Refuses a study of which no run can be shown: a page on nothing tells nothing.
  /// - Parameter runs: the folder of runs, for the message.
  /// - Throws: `RunError` with why the first one cannot, or that there is none.
  package func requireRuns(in runs: URL) throws {
    guard rows.allSatisfy(\.runs.isEmpty) else { return }
    throw RunError(
      leftOut.first
        ?? "none of its runs is in \(runs.displayName) yet; train them first, or name their folder with --runs")
  }

  /// Runs by their folders, or all runs below folders. Teachers among them are known by what their students say of them.
  /// - Throws: `RunError` where there is no run in one of them.
  package init(folders: [URL], title: String) throws {
    (self.title, command, rows) = (title, nil, [])
    var runs: [ReportedRun] = []
    for folder in folders {
      let found = Self.folders(of: folder)
      if found.map(\.url) != [folder] { isComplete = false }
      guard !found.isEmpty else { throw RunError("\(folder.displayName) holds no run, and no folder below it does") }
      for one in found where !runs.contains(where: { $0.folder.url == one.url }) {
        do { runs.append(try ReportedRun(one)) } catch { leftOut.append("\(error)") }
      }
    }
    guard !runs.isEmpty else { throw RunError(leftOut.first ?? "there is no run") }
    let teachers = Set(runs.compactMap { $0.settings.content[.teacher] })
    let named = Set(runs.flatMap(\.namesOfTeachers))
    var rows: [Row] = []
    for name in runs.map(\.settings.name).uniqued {
      let own = runs.filter { $0.settings.name == name }.sorted {
        ($0.pairing.split ?? 0, $0.pairing.seed) < ($1.pairing.split ?? 0, $1.pairing.seed)
      }
      let isTeacher = named.contains(name) || own.contains { $0.weightsDigest.map(teachers.contains) ?? false }
      let role: ComparisonRole =
        isTeacher ? .teacher : own.allSatisfy { $0.settings.teacher == nil } ? .baseline : .student
      // Of one name and seed in several folders, each is a row of its own.
      if Set(own.map(\.pairing)).count == own.count {
        rows.append(Row(name: name, role: role, runs: own, planned: own.count))
      } else {
        rows += own.map { Row(name: $0.folder.name, role: role, runs: [$0], planned: 1) }
      }
    }
    let order: [ComparisonRole] = [.teacher, .baseline, .student]
    self.rows = order.flatMap { role in rows.filter { $0.role == role } }
    settleRoles()
  }

  /// A run's folder, or those below a folder, at most three levels down.
  private static func folders(of folder: URL, depth: Int = 3) -> [RunFolder] {
    if FileManager.default.fileExists(atPath: RunFolder(folder).configuration.path) { return [RunFolder(folder)] }
    guard depth > 0,
      let contents = try? FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: [.isDirectoryKey], options: .skipsHiddenFiles)
    else { return [] }
    let folders = contents.filter { (try? $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory) == true }
    return folders.sorted { $0.path < $1.path }.flatMap { Self.folders(of: $0, depth: depth - 1) }
  }
}

extension ReportedRun {
  /// The names of the configurations that make its teachers.
  fileprivate var namesOfTeachers: [String] {
    (settings.teacher?.all ?? []).compactMap {
      guard case .configuration(_, let made) = $0.source else { return nil }
      return (try? settings.teacherRun(made))?.name ?? made.file.url.deletingPathExtension().lastPathComponent
    }
  }

  fileprivate var weightsDigest: String? { WeightsFile.location(folder.url).flatMap { try? Digest.sha256.hex(of: $0) } }
}
