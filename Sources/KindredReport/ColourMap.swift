// Numbers as colours.

/// A sequential colour map: lightness grows evenly from dark violet to yellow, so that order and distance can be seen,
/// in black and white too.
package enum ColourMap {
  /// Evenly spaced, each about 14 units of CIE lightness above the one before.
  private static let controlPoints: [(red: Double, green: Double, blue: Double)] = [
    (22, 14, 64), (62, 40, 120), (48, 88, 148), (32, 132, 144), (58, 170, 118), (140, 204, 84), (248, 232, 92),
  ]

  /// The map's colours, evenly spaced, as style sheets have them.
  static var stops: [String] { controlPoints.map { "rgb(\(Int($0.red)),\(Int($0.green)),\(Int($0.blue)))" } }

  /// What is not a number is drawn in this, which the map does not hold.
  package static let notANumber = Colour(190, 190, 190)

  /// The colour of a value between 0 and 1; values beyond take the end's colour.
  package static func colour(_ value: Double) -> Colour {
    guard !value.isNaN else { return notANumber }
    let position = min(max(value, 0), 1) * Double(controlPoints.count - 1)
    let index = min(Int(position), controlPoints.count - 2)
    let (low, high, share) = (controlPoints[index], controlPoints[index + 1], position - Double(index))
    func blend(_ a: Double, _ b: Double) -> UInt8 { UInt8((a + (b - a) * share).rounded()) }
    return Colour(blend(low.red, high.red), blend(low.green, high.green), blend(low.blue, high.blue))
  }
}
