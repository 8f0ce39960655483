// The axes of charts: which numbers lie where, and which of them are written.

import Foundation

/// A range of numbers along a side of a chart, with some room at both ends.
package struct Axis: Sendable, Equatable {
  /// How numbers lie along it.
  package enum Scale: Sendable {
    /// Equal differences are equally long.
    case linear
    /// Equal ratios are equally long; for numbers above 0.
    case logarithmic
  }

  /// A number that is written at its place.
  package struct Tick: Sendable, Equatable {
    package let value: Double
    package let label: String
  }

  package let scale: Scale
  /// The number at the axis's beginning.
  package let lowest: Double
  /// The number at its end.
  package let highest: Double
  /// Ascending.
  package let ticks: [Tick]

  /// An axis on which these numbers lie, with a twentieth of their range on both sides.
  /// - Parameters:
  ///   - values: those that `holds` does not know do not count.
  ///   - scale: how they lie; logarithmic is for numbers above 0.
  ///   - limits: what the axis does not go beyond.
  ///   - tickCount: about how many numbers are written.
  ///   - isWhole: whether only whole ones are.
  package init(
    covering values: [Double], scale: Scale = .linear, limits: ClosedRange<Double>? = nil, tickCount: Int = 5,
    isWhole: Bool = false
  ) {
    let shown = values.filter(Self.holds)
    precondition(scale == .linear || shown.allSatisfy { $0 > 0 }, "a logarithm is of numbers above 0")
    self.scale = scale
    let along = shown.map { scale == .linear ? $0 : log10($0) }
    var (low, high) = (along.min() ?? 0, along.max() ?? 1)
    // A single number has no range.
    let alone = scale == .logarithmic ? 0.1 : low == 0 ? 1 : abs(low) / 10
    let room = high - low > abs(low) * 1e-6 ? (high - low) / 20 : alone
    (low, high) = (low - room, high + room)
    if scale == .logarithmic { (low, high) = (pow(10, low), pow(10, high)) }
    if let limits { (low, high) = (max(low, limits.lowerBound), min(high, limits.upperBound)) }
    (lowest, highest) = (low, high)
    let ticks =
      scale == .linear
      ? Self.steps(from: low, to: high, count: tickCount) : Self.ratios(from: low, to: high, count: tickCount)
    self.ticks =
      isWhole
      ? ticks.filter { abs($0.value - $0.value.rounded()) < 1e-9 }.map {
        Tick(value: $0.value, label: Format.decimal($0.value, places: 0))
      } : ticks
  }

  /// Whether a number can lie on an axis: one that is finite, and not so large or small that ranges of such are not.
  package static func holds(_ value: Double) -> Bool { value == 0 || (1e-150...1e150).contains(abs(value)) }

  /// How far along the axis a number lies, 0 at its beginning and 1 at its end.
  package func share(of value: Double) -> Double {
    switch scale {
    case .linear: (value - lowest) / (highest - lowest)
    case .logarithmic: log(value / lowest) / log(highest / lowest)
    }
  }

  /// Multiples of 1, 2 or 5 times a power of ten in a range.
  static func steps(from low: Double, to high: Double, count: Int) -> [Tick] {
    guard high > low else { return [Tick(value: low, label: label(low, step: 1))] }
    let rough = (high - low) / Double(count)
    let power = pow(10, log10(rough).rounded(.down))
    let step = power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10)
    let (first, last) = (Int((low / step - 1e-9).rounded(.up)), Int((high / step + 1e-9).rounded(.down)))
    return (first...max(first, last)).map {
      Tick(value: Double($0) * step, label: label(Double($0) * step, step: step))
    }
  }

  /// Powers of ten in a range, with as many numbers between them as there is room for.
  private static func ratios(from low: Double, to high: Double, count: Int) -> [Tick] {
    let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.down))
    func ticks(_ factors: [Double], every stride: Int = 1) -> [Tick] {
      powers.filter { $0 % stride == 0 }.flatMap { power in factors.map { $0 * pow(10, Double(power)) } }
        .filter { (low...high).contains($0) }.map { Tick(value: $0, label: label($0, step: $0)) }
    }
    let choices = [ticks([1, 3]), ticks([1, 2, 5]), ticks([1])]
    let some =
      choices.first { (4...count + 2).contains($0.count) } ?? ticks([1], every: (powers.count + count - 1) / count)
    // Less than a decade may hold none of them.
    return some.count > 1 ? some : steps(from: low, to: high, count: count)
  }

  /// A number in as many places as tell it from those a step away.
  private static func label(_ value: Double, step: Double) -> String {
    let places = -Int((log10(step) + 1e-9).rounded(.down))
    guard abs(value) < 1e5, places <= 4 else { return String(format: "%g", value) }
    return Format.decimal(value, places: max(0, places))
  }
}
