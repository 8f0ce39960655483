/// Reads one section of a configuration as typed fields, so that the code for a section is a plain list of its keys.
///
/// It remembers which keys were asked for; `finish()` then refuses the others.

import Foundation
import Kindred

final class YAMLReader {
  /// The keys that lead to this section.
  private let path: [String]
  private let section: YAMLNode
  private let entries: [YAMLNode.Entry]
  private var known: [String] = []

  init(_ node: YAMLNode, path: [String] = []) throws {
    self.path = path
    section = node
    guard let entries = node.entries else {
      let hint = node.isNull ? "; write {} for its defaults, or take the key out" : ", found \(node.summary)"
      throw ConfigurationError(
        place: node.place.name, key: path.joined(separator: "."), message: "expected a section of keys\(hint)")
    }
    self.entries = entries
  }

  /// The keys that were written, in their order.
  var keys: [String] { entries.map(\.key) }

  /// Refuses the first key that nobody asked for.
  func finish() throws {
    guard let stranger = entries.first(where: { !known.contains($0.key) }) else { return }
    throw unknown(stranger.key)
  }

  private func unknown(_ key: String) -> ConfigurationError {
    let list = "the keys here are " + known.joined(separator: ", ")
    return error(key, "unknown key; " + Spelling.advice(for: key, among: known, else: list))
  }

  /// An error at a key of this section.
  func error(_ key: String, _ message: String) -> ConfigurationError {
    let full = path + [key]
    return ConfigurationError(
      place: section.place(of: [key]).name, key: full.joined(separator: "."), message: message)
  }

  private func mismatch(_ key: String, _ expected: String, _ node: YAMLNode) -> ConfigurationError {
    error(key, "expected \(expected), found \(node.summary)")
  }

  /// What stands under a key, asked for or not.
  func node(_ key: String) -> YAMLNode? { section[key] }

  /// The value of a key, or nil when it is absent or null.
  func value(_ key: String) -> YAMLNode? {
    if !known.contains(key) { known.append(key) }
    guard let node = section[key], !node.isNull else { return nil }
    return node
  }

  /// Unwraps what a required key gave. A key that is nearly that one is taken for a misspelling of it.
  func required<Value>(_ key: String, _ value: Value?, _ hint: String) throws -> Value {
    if let value { return value }
    let strangers = entries.map(\.key).filter { !known.contains($0) }
    let misspelt = strangers.first { Spelling.nearest(to: $0, among: [key]) != nil }
    if let misspelt = Spelling.nearest(to: key, among: strangers) ?? misspelt { throw unknown(misspelt) }
    throw error(key, "missing; \(hint)")
  }
}

// MARK: - Types of values

extension YAMLReader {
  /// A section below this one, or nil when its key is absent. An empty one is refused: it would silently do nothing.
  func subsection(_ key: String) throws -> YAMLReader? {
    _ = value(key)
    return try section[key].map { try YAMLReader($0, path: path + [key]) }
  }

  /// A section below this one; when its key is absent, one without keys, which reads as all defaults.
  func subsectionOrEmpty(_ key: String) throws -> YAMLReader {
    let empty = YAMLNode(content: .map([]), place: section.place)
    return try subsection(key) ?? YAMLReader(empty, path: path + [key])
  }

  /// A reader for a section that stands in the list under a key.
  func subreader(_ key: String, _ item: YAMLNode) throws -> YAMLReader {
    try YAMLReader(item, path: path + [key])
  }

  func text(_ key: String) throws -> String? {
    guard let node = value(key) else { return nil }
    guard case .scalar(let text, _) = node.content else { throw mismatch(key, "a word", node) }
    return text
  }

  func flag(_ key: String) throws -> Bool? {
    guard let node = value(key) else { return nil }
    // YAML 1.2's core schema; yes and no are words in it.
    switch node.plainText {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: throw mismatch(key, "true or false", node)
    }
  }

  /// A seed: any number of 64 bits.
  func seed(_ key: String) throws -> UInt64? {
    guard let node = value(key) else { return nil }
    let digits = node.plainText?.replacing("_", with: "") ?? ""
    if let seed = UInt64(digits) { return seed }
    // What is no number of at least 0 gets the words that every number gets.
    guard digits.wholeMatch(of: /\+?[0-9]+/) != nil else { return UInt64(try wholeNumber(node, key, in: 0...Int.max)) }
    throw mismatch(key, "a whole number from 0 to \(UInt64.max)", node)
  }

  func wholeNumber(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    try value(key).map { try wholeNumber($0, key, in: range) }
  }

  /// A list of whole numbers.
  func wholeNumbers(_ key: String, in range: ClosedRange<Int>) throws -> [Int]? {
    guard let node = value(key) else { return nil }
    guard case .list(let items) = node.content else { throw mismatch(key, "a list of whole numbers", node) }
    return try items.map { try wholeNumber($0, key, in: range) }
  }

  /// A list of names.
  func texts(_ key: String) throws -> [String]? {
    guard let node = value(key) else { return nil }
    guard case .list(let items) = node.content else { throw mismatch(key, "a list of names", node) }
    return try items.map {
      guard case .scalar(let text, _) = $0.content else { throw mismatch(key, "a list of names", $0) }
      return text
    }
  }

  /// A number of images, or nil for `all` and for an absent key.
  func countOrAll(_ key: String) throws -> Int? {
    guard let node = value(key), node.plainText != "all" else { return nil }
    return try wholeNumber(node, key, in: 1...Int.max)
  }

  private func wholeNumber(_ node: YAMLNode, _ key: String, in range: ClosedRange<Int>) throws -> Int {
    let digits = node.plainText?.replacing("_", with: "")
    guard let number = digits.flatMap({ Int($0) }) else { throw mismatch(key, "a whole number", node) }
    guard range.contains(number) else { throw mismatch(key, "a whole number \(range.inWords)", node) }
    return number
  }

  func number(_ key: String, _ range: NumberRange) throws -> Double? {
    try value(key).map { try number($0, key, range) }
  }

  /// A list of numbers.
  func numbers(_ key: String, _ range: NumberRange) throws -> [Double]? {
    guard let node = value(key) else { return nil }
    guard case .list(let items) = node.content else { throw mismatch(key, "a list of numbers", node) }
    return try items.map { try number($0, key, range) }
  }

  private func number(_ node: YAMLNode, _ key: String, _ range: NumberRange) throws -> Double {
    guard let number = node.plainText.flatMap({ Double($0) }), number.isFinite else {
      throw mismatch(key, "a number", node)
    }
    guard range.contains(number) else { throw mismatch(key, "a number \(range.rawValue)", node) }
    return number
  }

  /// One of the names of an enumeration.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String, of: Choice.Type) throws -> Choice? {
    try choice(key, among: Choice.allCases.map(\.rawValue)).flatMap { Choice(rawValue: $0) }
  }

  private func choice(_ key: String, among names: [String]) throws -> String? {
    guard let node = value(key) else { return nil }
    guard let text = try text(key), names.contains(text) else {
      let advice = node.plainText.flatMap { Spelling.nearest(to: $0, among: names) }.map { "; did you mean '\($0)'?" }
      throw error(key, "expected \(names.alternatives), found \(node.summary)\(advice ?? "")")
    }
    return text
  }

  /// A file or folder. A relative path starts at the folder of the file that holds it; `~` is the home folder.
  func file(_ key: String) throws -> ConfiguredFile? {
    guard let text = try text(key) else { return nil }
    guard !text.isEmpty else { throw error(key, "expected a path, found nothing between the quotes") }
    return ConfiguredFile(
      URL(configurationPath: text, from: section.place(of: [key]).folder),
      isRelative: !text.hasPrefix("/") && !text.hasPrefix("~"))
  }

  /// A list of names, or one.
  func names(_ key: String) throws -> [String]? {
    try items(key)?.map { item in
      guard case .scalar(let name, _) = item.content, !item.isNull else { throw mismatch(key, "a list of names", item) }
      return name
    }
  }

  /// The items of a list; a single value counts as a list of one.
  func items(_ key: String) -> [YAMLNode]? {
    value(key).map { node in
      if case .list(let items) = node.content { items } else { [node] }
    }
  }
}

// MARK: - Declared settings

extension YAMLReader {
  /// Reads declared settings over a value's own; those that are absent stay as they are.
  func read<Root>(_ settings: [Setting<Root>], into root: inout Root) throws {
    for setting in settings {
      if let value = try value(setting.key, setting.kind) { setting.set(&root, value) }
    }
    for setting in settings {
      if let advice = setting.requirement { _ = try required(setting.key, value(setting.key), advice) }
    }
  }

  /// Reads a section that has no other keys.
  func readWhole<Root>(_ settings: [Setting<Root>], into root: inout Root) throws {
    try read(settings, into: &root)
    try finish()
  }

  private func value(_ key: String, _ kind: SettingKind) throws -> SettingValue? {
    switch kind {
    case .number(let range): try number(key, range).map { .number($0) }
    case .numbers(let range): try numbers(key, range).map { .numbers($0) }
    case .wholeNumber(let range): try wholeNumber(key, in: range).map { .wholeNumber($0) }
    case .wholeNumbers(let range): try wholeNumbers(key, in: range).map { .wholeNumbers($0) }
    case .texts: try texts(key).map { .texts($0) }
    case .seed: try seed(key).map { .seed($0) }
    case .countOrAll: try countOrAll(key).map { .wholeNumber($0) }
    case .flag: try flag(key).map { .flag($0) }
    case .choice(let names): try choice(key, among: names).map { .word($0) }
    case .file: try file(key).map { .file($0.url, isRelative: $0.isRelative) }
    case .layers: try layerPairs(key).map { .layers($0) }
    case .section(let fields): try subsection(key).map { .section(try $0.values(fields)) }
    case .form(let forms): try subsection(key)?.form(forms)
    }
  }

  /// A section's form and what is set in it; the first form where none is named.
  private func form(_ forms: [SettingForm]) throws -> SettingValue? {
    let name = try choice("name", among: forms.map(\.name))
    guard let form = forms.first(where: { name == nil || name == $0.name }) else { return nil }
    return .form(form.name, try values(form.fields))
  }

  /// What is set in a section that has no other keys.
  private func values(_ fields: [SettingForm.Field]) throws -> [String: SettingValue] {
    let values = try fields.reduce(into: [:]) { $0[$1.key] = try value($1.key, $1.kind) }
    try finish()
    return values
  }

  /// Pairs of taps: names that hold for both networks, or `{student: stage3, teacher: stage2}`.
  private func layerPairs(_ key: String) throws -> [LayerPair]? {
    guard let items = items(key) else { return nil }
    guard !items.isEmpty else { throw error(key, "the list is empty; name a tap, or take the loss out") }
    return try items.map { item in
      if case .scalar(let tap, _) = item.content { return LayerPair(tap) }
      guard item.entries != nil else { throw error(key, "expected taps such as stage3, found a list in the list") }
      let pair = try subreader(key, item)
      let (student, teacher) = (try pair.text("student"), try pair.text("teacher"))
      try pair.finish()
      return LayerPair(
        student: try pair.required("student", student, "name the student's tap"),
        teacher: try pair.required("teacher", teacher, "name the teacher's tap"))
    }
  }
}

extension YAMLNode {
  /// The text of a value without quotes.
  var plainText: String? {
    guard case .scalar(let text, isPlain: true) = content else { return nil }
    return text
  }

  /// The value in the words of a message.
  fileprivate var summary: String {
    switch content {
    case .scalar(let text, let isPlain): isPlain ? "'\(text.shortened)'" : "the quoted text '\(text.shortened)'"
    case .list: "a list"
    case .map: "a section of keys"
    }
  }
}

extension String {
  /// Its beginning, where it is longer than a line of an error should be.
  fileprivate var shortened: String { count > 80 ? prefix(80) + "..." : self }
}

extension [String] {
  /// The names as "a, b or c".
  var alternatives: String {
    guard let last, count > 1 else { return first ?? "" }
    return dropLast().joined(separator: ", ") + " or " + last
  }
}

extension URL {
  /// An absolute path without `.` and `..`, made without a look at the disk so that equal settings stay equal.
  init(configurationPath path: String, from folder: URL) {
    let expanded = path == "~" || path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : path
    let absolute = expanded.hasPrefix("/") ? expanded : folder.path(percentEncoded: false) + "/" + expanded
    var parts: [Substring] = []
    for part in absolute.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    self = URL(filePath: "/" + parts.joined(separator: "/"), directoryHint: .notDirectory)
  }
}
