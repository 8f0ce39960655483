// From the colours of a file to grey or red, green and blue.

extension PixelImage {
  /// Red, green and blue as grey, with the weights of ITU-R 601 in 16 bits, as Pillow's mode L has them.
  func grey() -> PixelImage {
    converted(to: 1) { color, grey in
      let red = 19595 * UInt32(color[0])
      let green = 38470 * UInt32(color[1])
      let blue = 7471 * UInt32(color[2])
      grey[0] = UInt8((red + green + blue + 0x8000) >> 16)
    }
  }

  /// Grey as red, green and blue.
  func color() -> PixelImage {
    converted(to: 3) { grey, color in (color[0], color[1], color[2]) = (grey[0], grey[0], grey[0]) }
  }

  /// Inks as light: cyan, magenta, yellow and black as Adobe stores them, where 255 is no ink.
  func colorOfInks() -> PixelImage {
    converted(to: 3) { inks, color in
      for channel in 0..<3 { color[channel] = portion(inks[channel], of: inks[3]) }
    }
  }

  /// The image before white, its last channel being its opacity.
  func onWhite() -> PixelImage {
    let colors = channels - 1
    return converted(to: colors) { pixel, color in
      let opacity = pixel[colors]
      for channel in 0..<colors { color[channel] = 255 - portion(255 - pixel[channel], of: opacity) }
    }
  }

  /// Grey or red, green and blue in the number of channels asked for, 1 or 3.
  func with(channels count: Int) -> PixelImage { count == channels ? self : count == 1 ? grey() : color() }

  /// - Parameter convert: writes the new bytes of a pixel from its old ones.
  @inline(__always)
  private func converted(
    to count: Int, _ convert: (UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Void
  ) -> PixelImage {
    let pixels = width * height
    let converted = [UInt8](unsafeUninitializedCapacity: pixels * count) { target, initialized in
      bytes.withUnsafeBufferPointer { source in
        guard var from = source.baseAddress, var to = target.baseAddress else { return }
        for _ in 0..<pixels {
          convert(from, to)
          from += channels
          to += count
        }
      }
      initialized = pixels * count
    }
    return PixelImage(width: width, height: height, channels: count, bytes: converted)
  }
}

/// a b / 255, rounded; exact for bytes.
private func portion(_ a: UInt8, of b: UInt8) -> UInt8 {
  let product = UInt32(a) * UInt32(b) + 128
  return UInt8((product + product >> 8) >> 8)
}
