// What RandAugment and colour jitter do to an image's colours, byte for byte as Pillow does it.

extension PixelImage {
  /// A factor times as bright: 0 is black, 1 the image itself.
  func adjustingBrightness(_ factor: Double) -> PixelImage { blended(from: 0, factor) }

  /// Colours a factor times as far from their mean grey, which is a whole number.
  func adjustingContrast(_ factor: Double) -> PixelImage {
    let sum = greys.reduce(0) { $0 + Int($1) }
    return blended(from: UInt8(Double(sum) / Double(width * height) + 0.5), factor)
  }

  /// Colours a factor times as far from their own grey. A grey image stays as it is.
  func adjustingSaturation(_ factor: Double) -> PixelImage {
    guard channels > 1 else { return self }
    return blended(from: greys, each: channels, factor)
  }

  /// Colours a factor times as far from those of the smoothed image, whose outermost pixels are the image's own.
  func adjustingSharpness(_ factor: Double) -> PixelImage {
    blended(from: smoothed, each: 1, factor)
  }

  /// The highest bits of each byte.
  func posterized(bits: Int) -> PixelImage { mapped { $0 & ~UInt8(truncatingIfNeeded: (1 << (8 - bits)) - 1) } }

  /// Bytes inverted from a threshold on.
  func solarized(from threshold: Double) -> PixelImage { mapped { Double($0) < threshold ? $0 : 255 - $0 } }

  /// Each channel stretched so that its smallest value becomes 0 and its largest 255.
  func autocontrasted() -> PixelImage {
    mappedByChannel { counts in
      guard let low = counts.firstIndex(where: { $0 > 0 }), let high = counts.lastIndex(where: { $0 > 0 }), low < high
      else { return nil }
      let scale = 255 / Double(high - low)
      let offset = -Double(low) * scale
      return (0..<256).map { UInt8(max(0, min(255, Double($0) * scale + offset))) }
    }
  }

  /// Each channel mapped so that all of its values are about as frequent.
  func equalized() -> PixelImage {
    mappedByChannel { counts in
      let last = counts.last { $0 > 0 } ?? 0
      let step = (width * height - last) / 255
      guard step > 0 else { return nil }
      var before = step / 2
      return counts.map { count in
        defer { before += count }
        return UInt8(min(255, before / step))
      }
    }
  }

  // MARK: - Common parts

  /// Each pixel's grey, by the weights of ITU-R 601 in 16 bits.
  private var greys: [UInt8] {
    guard channels == 3 else { return bytes }
    return bytes.withUnsafeBufferPointer { bytes in
      (0..<width * height).map { pixel in
        let (red, green, blue) = (Int(bytes[3 * pixel]), Int(bytes[3 * pixel + 1]), Int(bytes[3 * pixel + 2]))
        return UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16)
      }
    }
  }

  /// The mean of a pixel, counted five times, and its eight neighbours.
  private var smoothed: [UInt8] {
    let row = width * channels
    return remade { new, old in
      _ = new.update(fromContentsOf: old)
      func column(_ place: Int) -> Int { Int(old[place - row]) + Int(old[place]) + Int(old[place + row]) }
      for y in stride(from: 1, to: height - 1, by: 1) {
        for place in stride(from: y * row + channels, to: (y + 1) * row - channels, by: 1) {
          let sum = column(place - channels) + column(place) + column(place + channels) + 4 * Int(old[place])
          // The nearest whole number: thirteenths have no middle.
          new[place] = UInt8((2 * sum + 13) / 26)
        }
      }
    }.bytes
  }

  private func blended(from other: UInt8, _ factor: Double) -> PixelImage {
    let factor = Float(factor)
    return mapped { PixelImage.blend(other, $0, factor) }
  }

  /// - Parameter other: bytes of which each stands for so many of the image's.
  private func blended(from other: [UInt8], each count: Int, _ factor: Double) -> PixelImage {
    let factor = Float(factor)
    return remade { new, old in
      other.withUnsafeBufferPointer { other in
        for index in other.indices {
          for place in index * count..<(index + 1) * count {
            new[place] = PixelImage.blend(other[index], old[place], factor)
          }
        }
      }
    }
  }

  /// From one byte a factor of the way to another, and beyond it; cut to a whole number, in single precision as Pillow's.
  private static func blend(_ from: UInt8, _ to: UInt8, _ factor: Float) -> UInt8 {
    UInt8(max(0, min(255, Float(from) + factor * Float(Int(to) - Int(from)))))
  }

  /// Each byte replaced, in all channels alike.
  private func mapped(_ change: (UInt8) -> UInt8) -> PixelImage {
    let table = (0..<256).map { change(UInt8($0)) }
    return remade { new, old in
      table.withUnsafeBufferPointer { table in
        for place in new.indices { new[place] = table[Int(old[place])] }
      }
    }
  }

  /// Each byte replaced by its channel's table, which is made from how often each value comes; nil leaves the channel.
  private func mappedByChannel(_ table: ([Int]) -> [UInt8]?) -> PixelImage {
    remade { new, old in
      for channel in 0..<channels {
        let places = stride(from: channel, to: old.count, by: channels)
        var counts = [Int](repeating: 0, count: 256)
        for place in places { counts[Int(old[place])] += 1 }
        let table = table(counts) ?? [UInt8](0...255)
        for place in places { new[place] = table[Int(old[place])] }
      }
    }
  }

  /// An image of the same size, whose bytes are all written.
  func remade(_ body: (UnsafeMutableBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void) -> PixelImage {
    let made = [UInt8](unsafeUninitializedCapacity: bytes.count) { new, count in
      bytes.withUnsafeBufferPointer { body(.init(rebasing: new[..<bytes.count]), $0) }
      count = bytes.count
    }
    return PixelImage(width: width, height: height, channels: channels, bytes: made)
  }
}
