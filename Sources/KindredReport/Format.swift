// Numbers as people read them, the same in every command.

import Foundation

/// Short texts for numbers. They do not depend on the machine's language.
package enum Format {
  /// What stands where there is no number.
  package static let missing = "–"

  /// Seconds as `0:42` or `1:02:03`, rounded; hours may exceed a day.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return missing }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, whole % 60) : String(format: "%d:%02d", minutes, whole % 60)
  }

  /// A moment as programs read it: `2026-11-27T01:28:00Z`.
  package static func moment(_ date: Date) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime]
    return formatter.string(from: date)
  }

  /// Such a moment as people read it: `2026-11-27 01:28:00 UTC`.
  package static func day(_ moment: String) -> String {
    moment.replacing("T", with: " ").replacing("Z", with: " UTC")
  }

  /// A duration that is guessed: in words, to the precision of a guess.
  package static func roughly(_ seconds: Double) -> String {
    let (minutes, hours) = ((seconds / 60).rounded(), (seconds / 3600).rounded())
    if seconds < 90 { return "a minute" }
    if minutes < 90 { return "\(Int(minutes)) minutes" }
    return hours < 48 ? "\(Int(hours)) hours" : "\(Int((seconds / 86_400).rounded())) days"
  }

  /// A count such as parameters or multiply-adds: `640`, `0.18 M`, `27.3 M`, `1.24 G`.
  package static func count(_ count: Int) -> String {
    guard count >= 10_000 else { return String(count) }
    return scaled(Double(count), units: [("M", 1e6), ("G", 1e9), ("T", 1e12)])
  }

  /// A size in bytes, in powers of a thousand: `640 B`, `64.0 kB`, `170 MB`.
  package static func bytes(_ count: Int) -> String {
    guard count >= 1000 else { return "\(count) B" }
    return scaled(Double(count), units: [("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)])
  }

  /// A share between 0 and 1 as `45 %`, or `71.25 %` with two places.
  package static func percent(_ share: Double, places: Int = 0) -> String {
    guard share.isFinite else { return missing }
    return "\(decimal(share * 100, places: places)) %"
  }

  /// An accuracy, which is in percent, as `71.25 %`.
  package static func percentage(_ percent: Double) -> String {
    percent.isFinite ? "\(decimal(percent, places: 2)) %" : missing
  }

  /// A number with a fixed count of places; never a negative zero.
  package static func decimal(_ value: Double, places: Int) -> String {
    // C prints the sign of what is no number too.
    guard !value.isNaN else { return "nan" }
    let text = String(format: "%.\(places)f", value)
    let isZero = value.isFinite && text.allSatisfy { "-0.".contains($0) }
    return isZero && text.hasPrefix("-") ? String(text.dropFirst()) : text
  }

  /// A difference, with its sign: `+0.48`, `-0.12`.
  package static func signed(_ value: Double, places: Int) -> String {
    let text = decimal(value, places: places)
    return text.hasPrefix("-") || value.isNaN ? text : "+" + text
  }

  /// A measured value of any size, such as a loss: `1.234`, `0.000123`, `1.23e-07`.
  package static func value(_ value: Double) -> String {
    let size = abs(value)
    guard size.isFinite, size > 0 else { return size == 0 ? "0.000" : decimal(value, places: 0) }
    if size >= 0.1 && size < 100_000 { return decimal(value, places: 3) }
    return String(format: "%.3g", value)
  }

  /// A number of any size in up to three digits, such as a weight: `0.5`, `141`, `3e+04`.
  package static func short(_ value: Double) -> String { String(format: "%.3g", value) }

  /// Three digits in the largest unit that leaves something before the point, or in the smallest of all.
  private static func scaled(_ value: Double, units: [(name: String, size: Double)]) -> String {
    // 999.5 would round to 1000, which belongs to the next unit.
    let unit = units.last { value >= 0.9995 * $0.size } ?? units[0]
    let number = value / unit.size
    let places = number < 9.995 ? 2 : number < 99.95 ? 1 : 0
    return "\(decimal(number, places: places)) \(unit.name)"
  }
}
