// What was published for methods and networks and what was measured here, from the studies and tables in `Experiments`.

import Foundation
import Kindred
import KindredReport

/// Accuracies for the reference's pages.
struct Numbers {
  /// The row of a table: a method, or a variant of one by a setting.
  struct Row {
    let name: String
    /// The name of its method; nil for the student alone.
    let method: String?
    /// The mean in percent that was published for it.
    var published: Double?
    var measured: ComparisonSummary?
  }

  /// The pair of the usual benchmark whose numbers are shown.
  static let benchmark = (student: "wrn-16-2", teacher: "wrn-40-2")
  /// The study that ran every method here, beside which its table lies.
  static let study = "textures"

  /// In the order of the study.
  private(set) var rows: [Row] = []
  /// What the measured rows are of: images, epochs and seeds.
  let setting: String
  /// CIFAR-100's accuracies in percent of networks trained alone, as published, by their names.
  private(set) var networks: [String: Double] = [:]

  /// - Parameter experiments: the folder `Experiments`.
  /// - Throws: `ConfigurationError` for a study, `RunError` for a table that cannot be read.
  init(experiments: URL) throws {
    let folder = experiments.appending(path: Self.study)
    let measured = try Self.table(folder.appending(path: "table.json"))
    setting = measured.setting
    let summaries = Dictionary(uniqueKeysWithValues: measured.methods.map { ($0.method, $0) })
    rows = try Study.load(file: folder.appending(path: "methods.yaml")).rows.map {
      Row(name: $0.key, method: $0.settings.methodAlone, measured: summaries[$0.key])
    }
    let benchmark = experiments.appending(path: "cifar100")
    let files = try FileManager.default.contentsOfDirectory(atPath: benchmark.path).sorted()
    for file in files where file.contains("-to-") {
      for row in try Study.load(file: benchmark.appending(path: file)).rows { add(row) }
    }
  }

  private mutating func add(_ row: Study.Row) {
    guard let published = row.published else { return }
    let settings = row.settings
    if settings.teacher == nil { networks[settings.student.network.name] = published }
    guard settings.student.network.name == Self.benchmark.student,
      settings.teacher.map({ $0.network?.name == Self.benchmark.teacher }) ?? true
    else { return }
    guard let place = rows.firstIndex(where: { $0.name == row.key }) else { return }
    rows[place].published = published
  }

  private struct Table: Decodable {
    let setting: String
    let methods: [ComparisonSummary]
  }

  private static func table(_ file: URL) throws -> Table {
    do {
      return try JSONDecoder().decode(Table.self, from: Data(contentsOf: file))
    } catch {
      throw RunError("\(file.displayName) is no table of this version's: \(error)")
    }
  }
}

extension Configuration {
  /// The method of a run with one; nil for a student alone.
  fileprivate var methodAlone: String? { losses.terms.first.map { type(of: $0.method).card.name } }
}
