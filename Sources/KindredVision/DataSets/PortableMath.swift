// Functions whose last bit libraries disagree on, made of operations that IEEE 754 fixes on every machine.

/// What the drawn textures need beyond `+ - * /` and `sqrt`, the same on every machine.
enum PortableMath {
  /// The sine of `turns` full turns, within 4e-7 of the true value while `turns` is below a million.
  ///
  /// Folded into a quarter turn, then the Taylor polynomial of degree nine in the angle, its last coefficient lowered
  /// from 1/9! = 2.76e-6 to make up for the terms that are left out.
  static func sine(turns: Double) -> Double {
    let part = turns - turns.rounded(.down)
    let folded = part < 0.25 ? part : (part < 0.75 ? 0.5 - part : part - 1)
    let x = folded * 6.283185307179586
    let y = x * x
    return x * (1 + y * (-1.0 / 6 + y * (1.0 / 120 + y * (-1.0 / 5040 + y * 2.7e-6))))
  }

  /// The cosine of `turns` full turns, as exact as the sine.
  static func cosine(turns: Double) -> Double { sine(turns: turns + 0.25) }

  /// The distance of `x` from the nearest whole number, 0 to 0.5: a triangle wave of period 1.
  static func triangle(_ x: Double) -> Double {
    let part = x - x.rounded(.down)
    return part < 0.5 ? part : 1 - part
  }

  /// A ramp from 0 to 1 of the given width around zero: an edge that a pixel can show.
  static func edge(_ distance: Double, width: Double) -> Double {
    min(1, max(0, 0.5 + distance / width))
  }
}
