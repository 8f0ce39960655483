// Writes declared settings as YAML that reads back to the same values.

import Foundation
import Kindred

/// Lines of YAML, indented by section. Swift prints a number with as many digits as bring it back exactly.
struct YAMLWriter {
  /// Where the text is to lie, for relative paths.
  let folder: URL?
  private(set) var text = ""
  private var indentation = ""

  init(folder: URL?) { self.folder = folder }

  mutating func line(_ key: String, _ value: some CustomStringConvertible) {
    text += "\(indentation)\(key): \(value)\n"
  }

  /// Declared settings, in their order.
  mutating func write<Root>(_ root: Root, _ settings: [Setting<Root>]) {
    for setting in settings { write(setting.key, setting.kind, setting.get(root)) }
  }

  mutating func write(_ method: some Method) { write(method, type(of: method).settings) }

  private mutating func write(_ key: String, _ kind: SettingKind, _ value: SettingValue?) {
    switch value {
    case nil: if case .countOrAll = kind { line(key, "all") }
    case .number(let number): line(key, number)
    case .numbers(let numbers): line(key, numbers)
    case .wholeNumber(let number): line(key, number)
    case .wholeNumbers(let numbers): line(key, numbers)
    case .texts(let texts): line(key, "[\(texts.map(YAMLWriter.quoted).joined(separator: ", "))]")
    case .seed(let seed): line(key, seed)
    case .flag(let flag): line(key, flag)
    case .word(let word): line(key, word)
    case .file(let url, let isRelative): path(key, ConfiguredFile(url, isRelative: isRelative))
    case .layers([]): break
    case .layers(let pairs): line(key, "[\(pairs.map(YAMLWriter.text).joined(separator: ", "))]")
    case .section(let values): section(key) { $0.write(kind, values) }
    case .form(let name, let values): section(key) { $0.write(kind, name, values) }
    }
  }

  private mutating func write(_ kind: SettingKind, _ name: String, _ values: [String: SettingValue]) {
    guard case .form(let forms) = kind, let form = forms.first(where: { $0.name == name }) else { return }
    line("name", name)
    for field in form.fields { write(field.key, field.kind, values[field.key]) }
  }

  private mutating func write(_ kind: SettingKind, _ values: [String: SettingValue]) {
    guard case .section(let fields) = kind else { return }
    for field in fields { write(field.key, field.kind, values[field.key]) }
  }

  static func text(_ pair: LayerPair) -> String {
    let (student, teacher) = (quoted(pair.student), quoted(pair.teacher))
    return pair.student == pair.teacher ? student : "{student: \(student), teacher: \(teacher)}"
  }

  mutating func path(_ key: String, _ file: ConfiguredFile?) {
    if let file { line(key, YAMLWriter.quoted(file.path(in: folder))) }
  }

  mutating func section(_ key: String, _ body: (inout YAMLWriter) -> Void) {
    text += "\(indentation)\(key):\n"
    indentation += "  "
    body(&self)
    indentation.removeLast(2)
  }

  /// A list of sections.
  mutating func list<Item>(_ key: String, _ items: [Item], _ body: (inout YAMLWriter, Item) -> Void) {
    text += "\(indentation)\(key):\n"
    for item in items {
      var section = YAMLWriter(folder: folder)
      section.indentation = indentation + "    "
      body(&section, item)
      text += "\(indentation)  - \(section.text.dropFirst(section.indentation.count))"
    }
  }

  /// A text as it is when nothing in it means anything to YAML, else in double quotes, escaped as in JSON.
  static func quoted(_ text: String) -> String {
    let isPlain = text.wholeMatch(of: /[A-Za-z\/][A-Za-z0-9_.+\/-]*/) != nil
    if isPlain, text.lowercased() != "null" { return text }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A string always encodes: Swift's strings are valid Unicode.
    return String(decoding: (try? encoder.encode(text)) ?? Data(), as: UTF8.self)
  }
}
