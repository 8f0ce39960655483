// A setting is declared once, by the value that has it; reading, writing, comparing and help follow from that.

import Foundation

/// One setting of a value: its key, where it lies in the value, what it may be, and what it is for.
public struct Setting<Root>: Sendable {
  /// Its name in files and on the command line.
  public let key: String
  /// What it may be.
  public let kind: SettingKind
  /// One line.
  public let help: String
  /// What to write where nothing was written; nil where there is a usual value.
  package private(set) var requirement: String?
  /// nil for a setting that is not set.
  package let get: @Sendable (Root) -> SettingValue?
  /// The value must be of the setting's kind.
  package let set: @Sendable (inout Root, SettingValue) -> Void

  package init(
    key: String, kind: SettingKind, help: String, get: @escaping @Sendable (Root) -> SettingValue?,
    set: @escaping @Sendable (inout Root, SettingValue) -> Void
  ) {
    (self.key, self.kind, self.help, self.get, self.set) = (key, kind, help, get, set)
  }

  /// The same setting, which has to be written.
  /// - Parameter advice: what to write, for a message.
  package func required(_ advice: String) -> Setting {
    var setting = self
    setting.requirement = advice
    return setting
  }
}

/// What a setting may be.
public enum SettingKind: Sendable {
  case number(NumberRange)
  case wholeNumber(ClosedRange<Int>)
  /// A list of them.
  case wholeNumbers(ClosedRange<Int>)
  /// Any number of 64 bits.
  case seed
  /// A list of numbers.
  case numbers(NumberRange)
  /// A list of names.
  case texts
  /// A number of things, or `all`.
  case countOrAll
  case flag
  case choice([String])
  /// A file or folder.
  case file
  /// Pairs of layers: names that hold for both networks, or one for each.
  case layers
  /// Settings of its own.
  case section([SettingForm.Field])
  /// One of several forms, each with settings of its own; which one says the key `name`, where the first is the usual.
  case form([SettingForm])
}

/// What a setting is.
public enum SettingValue: Sendable, Equatable {
  case number(Double)
  case numbers([Double])
  case wholeNumber(Int)
  case wholeNumbers([Int])
  case texts([String])
  case seed(UInt64)
  case flag(Bool)
  case word(String)
  case file(URL, isRelative: Bool)
  case layers([LayerPair])
  /// Settings by their keys.
  case section([String: SettingValue])
  /// A form's name, and its settings by their keys.
  case form(String, [String: SettingValue])
}

/// The ranges of numbers that settings have, in the words of the messages about them.
public enum NumberRange: String, Sendable {
  case positive = "above 0"
  case notNegative = "of at least 0"
  case unit = "from 0 to 1"
  case belowOne = "from 0 to below 1"

  /// Whether a number is in the range.
  public func contains(_ number: Double) -> Bool {
    switch self {
    case .positive: number > 0
    case .notNegative: number >= 0
    case .unit: (0...1).contains(number)
    case .belowOne: (0..<1).contains(number)
    }
  }
}

extension Setting {
  /// Where a setting lies in the value.
  public typealias Path<Value> = WritableKeyPath<Root, Value> & Sendable

  /// A number.
  public static func number(_ key: String, _ path: Path<Double>, _ range: NumberRange, _ help: String) -> Setting {
    Setting(key: key, kind: .number(range), help: help) {
      .number($0[keyPath: path])
    } set: {
      if case .number(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A number that may be left out.
  public static func number(_ key: String, _ path: Path<Double?>, _ range: NumberRange, _ help: String) -> Setting {
    Setting(key: key, kind: .number(range), help: help) {
      $0[keyPath: path].map { .number($0) }
    } set: {
      if case .number(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A whole number.
  public static func wholeNumber(
    _ key: String, _ path: Path<Int>, in range: ClosedRange<Int>, _ help: String
  ) -> Setting {
    Setting(key: key, kind: .wholeNumber(range), help: help) {
      .wholeNumber($0[keyPath: path])
    } set: {
      if case .wholeNumber(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A whole number that may be left out.
  public static func wholeNumber(
    _ key: String, _ path: Path<Int?>, in range: ClosedRange<Int>, _ help: String
  ) -> Setting {
    Setting(key: key, kind: .wholeNumber(range), help: help) {
      $0[keyPath: path].map { .wholeNumber($0) }
    } set: {
      if case .wholeNumber(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A list of whole numbers.
  public static func wholeNumbers(
    _ key: String, _ path: Path<[Int]>, in range: ClosedRange<Int>, _ help: String
  ) -> Setting {
    Setting(key: key, kind: .wholeNumbers(range), help: help) {
      .wholeNumbers($0[keyPath: path])
    } set: {
      if case .wholeNumbers(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A list of numbers; an empty one is as good as none.
  public static func numbers(_ key: String, _ path: Path<[Double]>, _ range: NumberRange, _ help: String) -> Setting {
    Setting(key: key, kind: .numbers(range), help: help) {
      $0[keyPath: path].isEmpty ? nil : .numbers($0[keyPath: path])
    } set: {
      if case .numbers(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A list of names; an empty one is as good as none.
  public static func texts(_ key: String, _ path: Path<[String]>, _ help: String) -> Setting {
    Setting(key: key, kind: .texts, help: help) {
      $0[keyPath: path].isEmpty ? nil : .texts($0[keyPath: path])
    } set: {
      if case .texts(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A seed: any number of 64 bits.
  public static func seed(_ key: String, _ path: Path<UInt64>, _ help: String) -> Setting {
    Setting(key: key, kind: .seed, help: help) {
      .seed($0[keyPath: path])
    } set: {
      if case .seed(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// A seed that may be left out.
  public static func seed(_ key: String, _ path: Path<UInt64?>, _ help: String) -> Setting {
    Setting(key: key, kind: .seed, help: help) {
      $0[keyPath: path].map { .seed($0) }
    } set: {
      if case .seed(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// How many of something; nil for all there are.
  public static func countOrAll(_ key: String, _ path: Path<Int?>, _ help: String) -> Setting {
    Setting(key: key, kind: .countOrAll, help: help) {
      $0[keyPath: path].map { .wholeNumber($0) }
    } set: {
      if case .wholeNumber(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// Yes or no.
  public static func flag(_ key: String, _ path: Path<Bool>, _ help: String) -> Setting {
    Setting(key: key, kind: .flag, help: help) {
      .flag($0[keyPath: path])
    } set: {
      if case .flag(let value) = $1 { $0[keyPath: path] = value }
    }
  }

  /// One of an enumeration's names, that may be left out.
  public static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Choice?>, _ help: String
  ) -> Setting {
    Setting(key: key, kind: .choice(Choice.allCases.map(\.rawValue)), help: help) {
      $0[keyPath: path].map { .word($0.rawValue) }
    } set: {
      if case .word(let word) = $1, let choice = Choice(rawValue: word) { $0[keyPath: path] = choice }
    }
  }

  /// One of an enumeration's names.
  public static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ key: String, _ path: Path<Choice>, _ help: String
  ) -> Setting {
    Setting(key: key, kind: .choice(Choice.allCases.map(\.rawValue)), help: help) {
      .word($0[keyPath: path].rawValue)
    } set: {
      if case .word(let word) = $1, let choice = Choice(rawValue: word) { $0[keyPath: path] = choice }
    }
  }

  /// The layers that a method compares, under the key `layers`.
  public static func layers(_ path: Path<[LayerPair]>, _ help: String) -> Setting {
    Setting(key: "layers", kind: .layers, help: help) {
      .layers($0[keyPath: path])
    } set: {
      if case .layers(let value) = $1 { $0[keyPath: path] = value }
    }
  }
}
