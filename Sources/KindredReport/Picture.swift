// Pictures in memory, just enough to save images and to colour numbers.

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
}

/// A rectangle of pixels with a value's semantics.
package struct Picture: Sendable, Equatable {
  /// Pixels in a row.
  package let width: Int
  /// Rows.
  package let height: Int
  /// `height x width x 3` bytes, rows from the top, each pixel red, green, blue.
  package let bytes: [UInt8]

  /// A picture from an image's bytes: `height x width x channels`, rows from the top, 1 channel (grey) or 3.
  package init(width: Int, height: Int, channels: Int = 3, bytes: some Collection<UInt8>) {
    precondition(width > 0 && height > 0, "a picture has a size")
    precondition(channels == 1 || channels == 3, "a picture is grey (1 channel) or coloured (3 channels)")
    precondition(bytes.count == width * height * channels, "\(bytes.count) bytes are not \(width) x \(height) pixels")
    (self.width, self.height) = (width, height)
    self.bytes = channels == 3 ? Array(bytes) : bytes.flatMap { [$0, $0, $0] }
  }

  /// A picture of a colour for each pixel, rows from the top.
  package init(width: Int, height: Int, colours: some Collection<Colour>) {
    self.init(width: width, height: height, bytes: colours.flatMap { [$0.red, $0.green, $0.blue] })
  }

  /// The pixel in column `x` of row `y`, which must lie inside.
  package subscript(x: Int, y: Int) -> Colour {
    precondition(x >= 0 && x < width && y >= 0 && y < height, "(\(x), \(y)) is outside \(width) x \(height)")
    let start = (y * width + x) * 3
    return Colour(bytes[start], bytes[start + 1], bytes[start + 2])
  }
}
