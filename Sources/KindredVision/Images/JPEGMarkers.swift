// What stands in a JPEG before its pixels.

/// The size and the orientation in a JPEG, found as libjpeg finds them: segments by their markers and lengths.
struct JPEGMarkers {
  private(set) var width = 0
  private(set) var height = 0
  /// Numbers in a pixel: 1 (grey), 3 (colour) or 4 (inks).
  private(set) var components = 0
  /// Whether the pixels come in several passes over the image, for which all of it has to be held at full size.
  private(set) var hasManyScans = false
  private(set) var orientation = Orientation.upright
  /// Where the first scan's pixels begin.
  private var scanStart = 0
  private let reader: ByteReader

  private enum Marker {
    static let endOfImage = 0xD9
    static let startOfScan = 0xDA
    static let exif = 0xE1
    static let withoutLength = Set([0x01] + Array(0xD0...0xD8))
    /// Start of frame of any process; 0xC4, 0xC8 and 0xCC are other things.
    static let startOfFrame = Set(0xC0...0xCF).subtracting([0xC4, 0xC8, 0xCC])
    static let progressive: Set = [0xC2, 0xC6, 0xCA, 0xCE]
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
    reader = ByteReader(bytes)
    var place = 2
    while let marker = nextMarker(&place) {
      if Marker.withoutLength.contains(marker) { continue }
      guard marker != Marker.endOfImage, let length = reader.uint16(place),
        let segment = reader.part(place, count: length)
      else { break }
      place += length
      if marker == Marker.startOfScan {
        guard components > 0, segment.count > 2 else { break }
        hasManyScans = hasManyScans || Int(segment[2]) < components
        scanStart = place
        return
      }
      read(marker, segment)
    }
    throw ImageError("truncated JPEG: it ends before its pixels begin")
  }

  private mutating func read(_ marker: Int, _ segment: UnsafeRawBufferPointer) {
    let fields = ByteReader(segment)
    if Marker.startOfFrame.contains(marker), components == 0 {
      (height, width) = (fields.uint16(3) ?? 0, fields.uint16(5) ?? 0)
      components = fields.uint8(7) ?? 0
      hasManyScans = Marker.progressive.contains(marker)
    } else if marker == Marker.exif, orientation == .upright, segment.dropFirst(2).starts(with: "Exif\0\0".utf8) {
      orientation = Orientation(exif: UnsafeRawBufferPointer(rebasing: segment.dropFirst(2)))
    }
  }

  /// The code of the next marker and the place behind it; nil where none follows.
  private func nextMarker(_ place: inout Int) -> Int? {
    while let byte = reader.uint8(place) {
      place += 1
      guard byte == 0xFF else { continue }
      while reader.uint8(place) == 0xFF { place += 1 }
      guard let code = reader.uint8(place) else { return nil }
      place += 1
      if code != 0 { return code }
    }
    return nil
  }

  /// How often the image is gone over, and whether its end is marked: found by going through the pixels' bytes.
  func scans() -> (count: Int, end: Bool) {
    var (place, count) = (scanStart, 1)
    while let marker = nextMarker(&place) {
      if Marker.withoutLength.contains(marker) { continue }
      if marker == Marker.endOfImage { return (count, true) }
      if marker == Marker.startOfScan { count += 1 }
      place += reader.uint16(place) ?? 0
    }
    return (count, false)
  }
}
