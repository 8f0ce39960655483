// An image sheared, moved or turned in its own frame, byte for byte as Pillow does it.

import Foundation

/// Where the pixels of a changed image come from: (x, y) from (a x + b y + c, d x + e y + f).
struct AffineTransform: Equatable {
  private var (a, b, c): (Double, Double, Double) = (1, 0, 0)
  private var (d, e, f): (Double, Double, Double) = (0, 1, 0)

  /// Rows moved to the left, by a share of their distance from the upper edge.
  static func shear(x share: Double) -> AffineTransform {
    var transform = AffineTransform()
    transform.b = share
    return transform
  }

  /// Columns moved up, by a share of their distance from the left edge.
  static func shear(y share: Double) -> AffineTransform {
    var transform = AffineTransform()
    transform.d = share
    return transform
  }

  /// All pixels moved to the right and down.
  static func translation(x: Int, y: Int) -> AffineTransform {
    var transform = AffineTransform()
    (transform.c, transform.f) = (-Double(x), -Double(y))
    return transform
  }

  /// Turned about the image's middle, counterclockwise.
  static func rotation(degrees: Double, width: Int, height: Int) -> AffineTransform {
    let angle = -degrees * Double.pi / 180
    let (x, y) = (Double(width) / 2, Double(height) / 2)
    var transform = AffineTransform()
    (transform.a, transform.b) = (cos(angle), sin(angle))
    (transform.d, transform.e) = (-sin(angle), cos(angle))
    transform.c = x - transform.a * x - transform.b * y
    transform.f = y - transform.d * x - transform.e * y
    return transform
  }

  /// Of the middles of pixels, in units of 2^-16, so that no machine's last digit matters.
  fileprivate var fixed: (a: Int, b: Int, c: Int, d: Int, e: Int, f: Int) {
    func fixed(_ value: Double) -> Int { Int((value * 65536 + 0.5).rounded(.down)) }
    return (
      fixed(a), fixed(b), fixed(c + a / 2 + b / 2), fixed(d), fixed(e), fixed(f + d / 2 + e / 2)
    )
  }
}

extension PixelImage {
  /// Each pixel taken from the nearest one, black where there is none.
  func transformed(by transform: AffineTransform) -> PixelImage {
    let (a, b, c, d, e, f) = transform.fixed
    return remade { new, old in
      new.update(repeating: 0)
      for y in 0..<height {
        for x in 0..<width {
          let (column, row) = ((a * x + b * y + c) >> 16, (d * x + e * y + f) >> 16)
          guard column >= 0, column < width, row >= 0, row < height else { continue }
          let (target, source) = ((y * width + x) * channels, (row * width + column) * channels)
          for channel in 0..<channels { new[target + channel] = old[source + channel] }
        }
      }
    }
  }
}
