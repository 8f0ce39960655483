// How a camera was held, as EXIF notes it: pixels are stored as the sensor gave them.

/// EXIF's orientation, 1 to 8: how stored pixels become what is shown.
struct Orientation: Equatable {
  /// Whether a stored row is read from its right end.
  let mirrorsX: Bool
  /// Whether stored rows are read from the lowest.
  let mirrorsY: Bool
  /// Whether stored columns become the rows that are shown.
  let swapsAxes: Bool

  /// Pixels as they are stored.
  static let upright = Orientation(1)

  /// What is none of 1 to 8 is taken for 1, as viewers do.
  init(_ value: Int) {
    mirrorsX = [2, 3, 7, 8].contains(value)
    mirrorsY = [3, 4, 6, 7].contains(value)
    swapsAxes = (5...8).contains(value)
  }

  /// The orientation in a block of EXIF, which is a TIFF file: a byte order, and a directory of entries of 12 bytes.
  init(exif: UnsafeRawBufferPointer) {
    let prefix = "Exif\0\0".utf8
    let tiff = exif.starts(with: prefix) ? UnsafeRawBufferPointer(rebasing: exif.dropFirst(prefix.count)) : exif
    self.init(Orientation.value(tiff) ?? 1)
  }

  private static func value(_ tiff: UnsafeRawBufferPointer) -> Int? {
    guard tiff.starts(with: "II".utf8) || tiff.starts(with: "MM".utf8) else { return nil }
    let reader = ByteReader(tiff, isBigEndian: tiff[0] == UInt8(ascii: "M"))
    let (tiffMark, orientationTag, shortType) = (42, 0x0112, 3)
    guard reader.uint16(2) == tiffMark, let directory = reader.uint32(4), let count = reader.uint16(directory) else {
      return nil
    }
    for entry in 0..<count {
      let place = directory + 2 + 12 * entry
      guard let tag = reader.uint16(place) else { return nil }
      if tag == orientationTag { return reader.uint16(place + 2) == shortType ? reader.uint16(place + 8) : nil }
    }
    return nil
  }

  /// Width and height as they are shown.
  func shown(_ width: Int, _ height: Int) -> (width: Int, height: Int) {
    swapsAxes ? (height, width) : (width, height)
  }
}

extension PixelImage {
  /// The stored pixels as they are shown.
  func oriented(_ orientation: Orientation) -> PixelImage {
    guard orientation != .upright else { return self }
    let (newWidth, newHeight) = orientation.shown(width, height)
    let stepX = orientation.mirrorsX ? -channels : channels
    let stepY = (orientation.mirrorsY ? -width : width) * channels
    let start = (orientation.mirrorsX ? (width - 1) * channels : 0) - (orientation.mirrorsY ? (height - 1) * stepY : 0)
    let (alongRow, alongColumn) = orientation.swapsAxes ? (stepY, stepX) : (stepX, stepY)
    let turned = [UInt8](unsafeUninitializedCapacity: bytes.count) { target, initialized in
      bytes.withUnsafeBufferPointer { source in
        var place = 0
        for row in 0..<newHeight {
          var pixel = start + row * alongColumn
          for _ in 0..<newWidth {
            for channel in 0..<channels { target[place + channel] = source[pixel + channel] }
            place += channels
            pixel += alongRow
          }
        }
      }
      initialized = bytes.count
    }
    return PixelImage(width: newWidth, height: newHeight, channels: channels, bytes: turned)
  }
}
