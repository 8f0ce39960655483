// What a setting cannot be, for values that were read from no file too.

/// A setting with a value that cannot be, in one line.
public struct SettingError: Error, CustomStringConvertible, Sendable {
  /// The path of its key, such as `schedule.milestones`.
  public let key: String
  /// What is wrong and what to do.
  public let problem: String

  /// What is wrong with the setting of a key.
  public init(_ key: String, _ problem: String) { (self.key, self.problem) = (key, problem) }

  public var description: String { "\(key): \(problem)" }
}

extension Array {
  /// Refuses a value with a number that is out of its setting's range.
  /// - Throws: `SettingError` for the first.
  package func check<Root>(_ root: Root) throws where Element == Setting<Root> {
    for setting in self { try setting.kind.check(setting.get(root), setting.key) }
  }
}

extension SettingKind {
  fileprivate func check(_ value: SettingValue?, _ key: String) throws {
    switch (self, value) {
    case (.number(let range), .number(let number)):
      guard range.contains(number), number.isFinite else {
        throw SettingError(key, "expected a number \(range.rawValue), found \(number)")
      }
    case (.numbers(let range), .numbers(let numbers)):
      for number in numbers { try SettingKind.number(range).check(.number(number), key) }
    case (.wholeNumber(let range), .wholeNumber(let number)):
      try SettingKind.check(number, range, key)
    case (.wholeNumbers(let range), .wholeNumbers(let numbers)):
      for number in numbers { try SettingKind.check(number, range, key) }
    case (.countOrAll, .wholeNumber(let number)):
      try SettingKind.check(number, 1...Int.max, key)
    case (.section(let fields), .section(let values)):
      for field in fields { try field.kind.check(values[field.key], "\(key).\(field.key)") }
    case (.form(let forms), .form(let name, let values)):
      let fields = forms.first { $0.name == name }?.fields ?? []
      for field in fields { try field.kind.check(values[field.key], "\(key).\(field.key)") }
    default: break
    }
  }

  private static func check(_ number: Int, _ range: ClosedRange<Int>, _ key: String) throws {
    guard !range.contains(number) else { return }
    throw SettingError(key, "expected a whole number \(range.inWords), found \(number)")
  }
}

extension ClosedRange<Int> {
  /// Such as "of at least 1" or "from 1 to 9".
  package var inWords: String {
    upperBound == .max ? "of at least \(lowerBound)" : "from \(lowerBound) to \(upperBound)"
  }
}
