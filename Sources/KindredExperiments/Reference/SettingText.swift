// What a declared setting may be and what it is unless given, in words.

import Kindred

/// A line of a table of settings.
struct SettingLine {
  let key: String
  let values: String
  let usual: String
  let help: String

  init(_ key: String, _ values: String, _ usual: String, _ help: String) {
    (self.key, self.values, self.usual, self.help) = (key, values, usual, help)
  }

  var cells: [String] { [key.code, values, usual, help] }
}

extension MarkdownPage {
  mutating func settings(_ lines: [SettingLine]) {
    table(["Key", "Values", "Usual", "What it is"], lines.map(\.cells))
  }

  /// A table of declared settings, and one for each of those that have settings of their own.
  /// - Parameters:
  ///   - path: of the section that they stand in.
  ///   - usual: a value as it is where nothing is said.
  mutating func settings<Root>(_ settings: [Setting<Root>], of usual: Root, path: String, level: Int) {
    self.settings(settings.map { $0.line(usual) })
    for setting in settings { inner(setting, usual, "\(path).\(setting.key)", level: level) }
  }

  mutating func inner<Root>(_ setting: Setting<Root>, _ usual: Root, _ path: String, level: Int) {
    for part in setting.parts(usual) {
      heading(part.form.map { "\(path.code), `name: \($0)`" } ?? path.code, level: level)
      settings(part.lines)
    }
  }
}

extension Setting {
  /// Its line in a table.
  func line(_ usual: Root) -> SettingLine {
    SettingLine(key, kind.text, requirement == nil ? kind.text(usual: get(usual)) : "required", help)
  }

  /// The settings that it has of its own, form by form.
  fileprivate func parts(_ usual: Root) -> [(form: String?, lines: [SettingLine])] {
    switch kind {
    case .section(let fields): return [(nil, lines(fields, usual, .section([:])))]
    case .form(let forms): return forms.map { ($0.name, lines($0.fields, usual, .form($0.name, [:]))) }
    default: return []
    }
  }

  /// - Parameter given: the setting where nothing in it is said.
  private func lines(_ fields: [SettingForm.Field], _ usual: Root, _ given: SettingValue) -> [SettingLine] {
    var root = usual
    set(&root, given)
    var values: [String: SettingValue] = [:]
    switch get(root) {
    case .section(let inner), .form(_, let inner): values = inner
    default: break
    }
    return fields.map { SettingLine($0.key, $0.kind.text, $0.kind.text(usual: values[$0.key]), $0.help) }
  }
}

extension SettingKind {
  /// What may be written.
  var text: String {
    switch self {
    case .number(let range): "a number \(range.rawValue)"
    case .numbers(let range): "a list of numbers \(range.rawValue)"
    case .wholeNumber(let range): "a whole number \(range.inWords)"
    case .wholeNumbers(let range): "a list of whole numbers \(range.inWords)"
    case .seed: "a whole number from 0 to 2^64 - 1"
    case .texts: "a list of names"
    case .countOrAll: "a whole number of at least 1, or `all`"
    case .flag: "`true` or `false`"
    case .choice(let names): names.map(\.code).alternatives
    case .file: "a path"
    case .layers: "a list of taps, or of pairs `{student: TAP, teacher: TAP}`"
    case .section: "a section, below"
    case .form(let forms): "a section with `name`: " + forms.map(\.name.code).alternatives
    }
  }

  /// What a setting is where nothing is said of it.
  func text(usual value: SettingValue?) -> String {
    switch (self, value) {
    case (.countOrAll, nil): "`all`"
    case (_, .form(let name, _)): name.code
    case (_, .section): "as below"
    case (_, let value?): value.text
    case (_, nil): "none"
    }
  }
}

extension SettingValue {
  /// As it is written in a file.
  fileprivate var text: String {
    switch self {
    case .number(let number): number.short.code
    case .numbers(let numbers): "[\(numbers.map(\.short).joined(separator: ", "))]".code
    case .wholeNumber(let number): "\(number)".code
    case .wholeNumbers(let numbers): "\(numbers)".code
    case .texts(let texts): "[\(texts.joined(separator: ", "))]".code
    case .seed(let seed): "\(seed)".code
    case .flag(let flag): "\(flag)".code
    case .word(let word): word.code
    case .layers(let pairs): pairs.isEmpty ? "none" : "[\(pairs.map(YAMLWriter.text).joined(separator: ", "))]".code
    case .file, .section, .form: "none"
    }
  }
}

extension Double {
  /// Without a fraction where it is a whole number.
  var short: String { self == rounded() && magnitude < 1e15 ? "\(Int(self))" : "\(self)" }
}
