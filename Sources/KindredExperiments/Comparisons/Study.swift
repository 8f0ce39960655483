// A study: rows over a common base, values to sweep over and seeds, in one file.

import Foundation
import Kindred

/// What is compared: the rows of one file, or a configuration as the only one.
package struct Study: Sendable, Equatable {
  /// A row of the table.
  package struct Row: Sendable, Equatable {
    package var settings: Configuration
    /// How many seeds it is trained with; nil where nothing is said of it.
    package var seeds: Int?
    /// How many splits of its images it is trained on, each with a teacher of its own; nil for the configuration's one.
    package var splits: Int?
    /// The accuracy in percent that was published for it.
    package var published: Double?
    /// What the file calls it: its name without what was chosen of sweeps.
    package let key: String
    /// What was chosen of the sweeps that made it, in their order; empty for a row of its own.
    package let sweep: [SweptValue]

    package init(
      _ settings: Configuration, seeds: Int? = nil, splits: Int? = nil, published: Double? = nil, key: String? = nil,
      sweep: [SweptValue] = []
    ) {
      (self.settings, self.seeds, self.splits, self.published) = (settings, seeds, splits, published)
      (self.key, self.sweep) = (key ?? settings.name, sweep)
    }

    /// How many seeds each split is trained with.
    package var seedCount: Int { seeds ?? (splits == nil ? Study.usualSeeds : 1) }
  }

  /// One of the values that a row sweeps over.
  package struct SweptValue: Sendable, Equatable {
    /// Where it stands, such as `losses.sp.weight`.
    package let key: String
    /// As names tell it, such as `300` or `auto`.
    package let text: String
  }

  /// In the order of the file; a row that sweeps is one for each of its values.
  package let rows: [Row]

  package init(rows: [Row]) { self.rows = rows }

  /// Reads a study, or a configuration as a study of one row.
  ///
  /// A file with the key `rows` is a study, and it may extend another. `base` is a configuration's file, or its settings in place. Each row's settings
  /// stand over them as those of a file that extends it: a null takes the base's key away, and `{sweep: [...]}` in place of
  /// a value makes a row of each value in the list, or of each combination where there are several.
  ///
  /// - Parameters:
  ///   - overrides: settings over those of every row, see `Configuration.load`.
  ///   - seeds: in place of the file's, for rows that have no number of their own.
  /// - Throws: `ConfigurationError` for the first mistake.
  package static func load(file: URL, overrides: Overrides = [], seeds: Int? = nil) throws -> Study {
    let tree = try ConfigurationFile.tree(file, from: [])
    guard tree[rowsKey] != nil else {
      return Study(rows: [Row(try Configuration.load(file: file, overrides: overrides), seeds: seeds)])
    }
    var rows = try StudyReader(tree, file: file, overrides: overrides, seeds: seeds).rows()
    try overrides.requireTeacher(in: rows.map(\.settings))
    // Settings of the compared runs do not reach teachers, also where one is a row.
    guard !overrides.isEmpty else { return Study(rows: rows) }
    for (folder, teachers) in Dictionary(
      grouping: try Configuration.teacherRuns(of: rows.map(\.settings)), by: \.folder)
    {
      let overrides = overrides.ofTeachers(in: folder)
      let plain = try? StudyReader(tree, file: file, overrides: overrides, seeds: seeds).rows()
      let teachers = teachers.map(\.settings).uniqued
      for (index, row) in (plain ?? []).enumerated() where teachers.contains(row.settings) { rows[index] = row }
    }
    return Study(rows: rows)
  }

  /// Whether a file is a study: it has rows, or extends one that has.
  /// - Throws: `ConfigurationError` for a file that cannot be read.
  package static func isStudy(_ file: URL) throws -> Bool {
    try ConfigurationFile.tree(file, from: [])[rowsKey] != nil
  }

  /// The seeds of a row where nothing is said of them.
  package static let usualSeeds = 3

  /// By this key a file is a study.
  static let rowsKey = "rows"
}

/// Reads the rows of a study's file.
private struct StudyReader {
  private let file: URL
  private let overrides: Overrides
  private let base: YAMLNode
  private let seeds: Int?
  private let splits: Int?
  private let section: YAMLReader
  private let entries: [YAMLNode.Entry]

  init(_ tree: YAMLNode, file: URL, overrides: Overrides, seeds: Int?) throws {
    (self.file, self.overrides) = (file, overrides)
    let reader = try YAMLReader(tree)
    let base = try reader.base(file)
    let usual = try reader.seedCount()
    self.seeds = seeds ?? usual
    splits = try reader.splitCount()
    let rows = try reader.subsection(Study.rowsKey)
    self.base = try reader.required("base", base, "name a configuration's file, or write the settings in place")
    section = try reader.required(Study.rowsKey, rows, "name at least one")
    try reader.finish()
    entries = tree[Study.rowsKey]?.entries ?? []
    guard !entries.isEmpty else { throw reader.error(Study.rowsKey, "there are none; name at least one") }
  }

  func rows() throws -> [Study.Row] {
    var rows: [Study.Row] = []
    for entry in entries {
      rows += try self.rows(entry.key, entry.value)
      guard rows.count <= StudyReader.mostRows else {
        throw section.error(entry.key, "more than \(StudyReader.mostRows) rows so far; make two studies of them")
      }
    }
    var known: Set<String> = []
    for row in rows where !known.insert(row.settings.name).inserted {
      throw section.error(row.key, "two rows are called '\(row.settings.name)'; give one of them another name")
    }
    return rows
  }

  private func rows(_ name: String, _ node: YAMLNode) throws -> [Study.Row] {
    let reader = try YAMLReader(node, path: [Study.rowsKey, name])
    if reader.keys.contains("name") { throw reader.error("name", "a row is called by its key; take it out") }
    let published = try reader.number("published", .notNegative)
    if let published, published > 100 {
      throw reader.error("published", "expected an accuracy in percent, found \(published)")
    }
    let seeds = try reader.seedCount() ?? seeds
    let splits = try reader.splitCount() ?? splits
    var own = node
    for key in ["published", "seeds", "splits"] { own.remove(key) }
    return try variants(of: own, in: name).map { variant in
      let values = variant.sweep.map(\.text).joined(separator: ",")
      let title = variant.sweep.isEmpty ? name : "\(name)=\(values)"
      let settings = try settings(title, variant.node)
      if let problem = problem(splits, settings.data) { throw reader.error("splits", problem) }
      return Study.Row(
        settings, seeds: seeds, splits: splits, published: published, key: name, sweep: variant.sweep)
    }
  }

  /// What does not go with so many splits; nil for nothing.
  private func problem(_ splits: Int?, _ data: Configuration.Images) -> String? {
    guard let splits else { return nil }
    if data.split != nil { return "data.split names one; take one of them out" }
    return splits > data.splitCount ? "\(data.name) has \(data.splitCount), not \(splits)" : nil
  }

  private func settings(_ name: String, _ row: YAMLNode) throws -> Configuration {
    var tree = row.merged(over: base)
    tree.set(["name"], to: YAMLNode(content: .scalar(name, isPlain: false), place: row.place))
    do {
      return try Configuration(tree, file: file, overrides: overrides)
    } catch let error as ConfigurationError {
      // The mistake may show in the base or in a setting of the command line, and only in this row.
      guard row.holds(error.place) else {
        throw ConfigurationError(place: error.place, key: error.key, message: "row '\(name)': \(error.message)")
      }
      throw ConfigurationError(place: error.place, key: "rows.\(name).\(error.key)", message: error.message)
    }
  }

  private struct Variant {
    var node: YAMLNode
    var sweep: [Study.SweptValue] = []
  }

  /// Every combination of the values that a row sweeps over, the last sweep's values one after another.
  private func variants(of row: YAMLNode, in name: String) throws -> [Variant] {
    try row.sweeps().reduce(into: [Variant(node: row)]) { variants, sweep in
      func error(_ message: String) -> ConfigurationError {
        let key = ([Study.rowsKey, name] + sweep.path + ["sweep"]).joined(separator: ".")
        return ConfigurationError(place: sweep.values.place.name, key: key, message: message)
      }
      guard case .list(let values) = sweep.values.content, !values.isEmpty else {
        throw error("expected a list of values, such as [30, 100, auto]")
      }
      guard variants.count * values.count <= StudyReader.mostRows else {
        throw error("more than \(StudyReader.mostRows) combinations; use fewer values")
      }
      variants = variants.flatMap { variant in
        values.map { value in
          var next = variant
          next.sweep.append(.init(key: sweep.path.joined(separator: "."), text: value.title))
          next.node.replace(sweep.path[...], by: value)
          return next
        }
      }
    }
  }

  private static let mostRows = 1000
}

extension YAMLReader {
  /// The settings that all rows start from.
  fileprivate func base(_ file: URL) throws -> YAMLNode? {
    guard let node = value("base") else { return nil }
    let users = [file.standardizedFileURL]
    var base =
      node.entries == nil
      ? try ConfigurationFile.inherited(node, key: "base", from: users)
      : try ConfigurationFile.extended(node, from: users)
    if let rows = base[Study.rowsKey] {
      throw ConfigurationError(
        place: rows.place.name, key: Study.rowsKey, message: "the base of a study is no study; name a configuration")
    }
    base.remove("name")
    return base
  }

  fileprivate func seedCount() throws -> Int? { try wholeNumber("seeds", in: 1...1000) }

  fileprivate func splitCount() throws -> Int? { try wholeNumber("splits", in: 1...1000) }
}

extension YAMLNode {
  /// The places of `{sweep: ...}` below this section, each with what it sweeps over, in their order.
  fileprivate func sweeps() -> [(path: [String], values: YAMLNode)] {
    (entries ?? []).flatMap { entry -> [(path: [String], values: YAMLNode)] in
      if let inner = entry.value.entries, inner.count == 1, inner[0].key == "sweep" {
        return [([entry.key], inner[0].value)]
      }
      return entry.value.sweeps().map { ([entry.key] + $0.path, $0.values) }
    }
  }

  /// Puts another value at a path that is there.
  fileprivate mutating func replace(_ path: ArraySlice<String>, by value: YAMLNode) {
    guard let key = path.first else {
      self = value
      return
    }
    guard var entries, let index = entries.firstIndex(where: { $0.key == key }) else { return }
    entries[index].value.replace(path.dropFirst(), by: value)
    content = .map(entries)
  }

  /// Whether something in it was written at a place.
  fileprivate func holds(_ name: String) -> Bool {
    if place.name == name { return true }
    switch content {
    case .scalar: return false
    case .list(let items): return items.contains { $0.holds(name) }
    case .map(let entries): return entries.contains { $0.value.holds(name) }
    }
  }

  /// A short name of a value: a file's without its folder.
  fileprivate var title: String {
    switch content {
    case .scalar(let text, _):
      let last = text.split(separator: "/").last.map(String.init) ?? "null"
      return last.hasSuffix(".yaml") ? String(last.dropLast(5)) : last
    case .list(let items): return items.map(\.title).joined(separator: "+")
    case .map(let entries): return entries.map { "\($0.key)-\($0.value.title)" }.joined(separator: "+")
    }
  }
}
