// Pictures in memory, just enough to draw a report's figures and to save them.

/// A colour of a screen: red, green and blue, 0 to 255.
package struct Colour: Sendable, Equatable {
  /// How much red.
  package var red: UInt8
  /// How much green.
  package var green: UInt8
  /// How much blue.
  package var blue: UInt8

  /// A colour from its red, green and blue.
  package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  /// The darkest.
  package static let black = Colour(0, 0, 0)
  /// The lightest.
  package static let white = Colour(255, 255, 255)
  /// Dark enough to read as text on white.
  package static let grey = Colour(96, 96, 96)
}

/// A place in a picture, in pixels from its top left corner.
package struct Point: Sendable, Equatable {
  /// Columns from the left edge.
  package var x: Int
  /// Rows from the upper edge.
  package var y: Int

  /// A place; it may lie outside the picture.
  package init(x: Int, y: Int) { (self.x, self.y) = (x, y) }
}

/// A rectangle of pixels with a value's semantics. Whatever is drawn outside is cut off.
package struct Picture: Sendable, Equatable {
  /// Pixels in a row.
  package let width: Int
  /// Rows.
  package let height: Int
  /// `height x width x 3` bytes, rows from the top, each pixel red, green, blue.
  package private(set) var bytes: [UInt8]

  /// A picture of one colour.
  package init(width: Int, height: Int, colour: Colour = .white) {
    precondition(width > 0 && height > 0, "a picture has a size")
    (self.width, self.height) = (width, height)
    bytes = [UInt8](repeating: 0, count: width * height * 3)
    fill(colour)
  }

  /// A picture from an image's bytes: `height x width x channels`, rows from the top, 1 channel (grey) or 3.
  package init(width: Int, height: Int, channels: Int = 3, bytes: some Collection<UInt8>) {
    precondition(width > 0 && height > 0, "a picture has a size")
    precondition(channels == 1 || channels == 3, "a picture is grey (1 channel) or coloured (3 channels)")
    precondition(bytes.count == width * height * channels, "\(bytes.count) bytes are not \(width) x \(height) pixels")
    (self.width, self.height) = (width, height)
    self.bytes = channels == 3 ? Array(bytes) : bytes.flatMap { [$0, $0, $0] }
  }

  /// The pixel in column `x` of row `y`, which must lie inside.
  package subscript(x: Int, y: Int) -> Colour {
    get {
      let start = offset(x, y)
      return Colour(bytes[start], bytes[start + 1], bytes[start + 2])
    }
    set {
      let start = offset(x, y)
      (bytes[start], bytes[start + 1], bytes[start + 2]) = (newValue.red, newValue.green, newValue.blue)
    }
  }

  private func offset(_ x: Int, _ y: Int) -> Int {
    precondition(x >= 0 && x < width && y >= 0 && y < height, "(\(x), \(y)) is outside \(width) x \(height)")
    return (y * width + x) * 3
  }

  /// Paints everything.
  package mutating func fill(_ colour: Colour) {
    fill(colour, at: Point(x: 0, y: 0), width: width, height: height)
  }

  /// Paints a rectangle whose top left corner is `corner`.
  package mutating func fill(_ colour: Colour, at corner: Point, width: Int, height: Int) {
    for y in max(0, corner.y)..<max(0, corner.y, min(self.height, corner.y + height)) {
      for x in max(0, corner.x)..<max(0, corner.x, min(self.width, corner.x + width)) { self[x, y] = colour }
    }
  }

  /// Copies `picture` onto this one, its top left corner at `corner`.
  package mutating func blit(_ picture: Picture, at corner: Point) {
    for y in 0..<picture.height where (0..<height).contains(corner.y + y) {
      for x in 0..<picture.width where (0..<width).contains(corner.x + x) {
        self[corner.x + x, corner.y + y] = picture[x, y]
      }
    }
  }

  /// The picture `factor` times as large: each pixel becomes a square.
  package func enlarged(by factor: Int) -> Picture {
    precondition(factor > 0, "a picture is enlarged by 1 or more")
    var large = Picture(width: width * factor, height: height * factor)
    for y in 0..<large.height {
      for x in 0..<large.width { large[x, y] = self[x / factor, y / factor] }
    }
    return large
  }
}
