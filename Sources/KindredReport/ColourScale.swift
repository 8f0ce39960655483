// Which number has which colour, for matrices that are compared by eye.

import Foundation

/// The range of numbers that the colours span.
///
/// A few extreme entries, such as a dead network's diagonal, would leave all others one colour; so the ends
/// are the 0.5th and 99.5th percentile, and what lies beyond takes the end's colour.
package struct ColourScale: Sendable, Equatable {
  /// The number of the darkest colour.
  package let low: Double
  /// The number of the lightest colour.
  package let high: Double

  /// The scale of these numbers; those that are not finite do not count.
  package init(of values: [Float]) {
    let sorted = values.filter(\.isFinite).sorted()
    func percentile(_ share: Double) -> Double {
      sorted.isEmpty ? 0 : Double(sorted[Int((share * Double(sorted.count - 1)).rounded())])
    }
    (low, high) = (percentile(0.005), percentile(0.995))
  }

  /// A number's colour.
  package func colour(_ value: Float) -> Colour {
    // Equal numbers have no range: they all lie in its middle.
    high > low || value.isNaN ? ColourMap.colour((Double(value) - low) / (high - low)) : ColourMap.colour(0.5)
  }

  /// The number at a share of the range, in as many places as tell its parts from each other.
  func label(_ share: Double) -> String {
    let value = low + share * (high - low)
    guard high > low else { return Format.value(value) }
    let places = 2 - Int(log10(high - low).rounded(.down))
    return places > 6 ? String(format: "%.2e", value) : Format.decimal(value, places: max(0, places))
  }
}
