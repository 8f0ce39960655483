// What stands in a PNG beside its pixels.

/// The size and the orientation in a PNG, whose chunks are all there.
struct PNGChunks {
  private static let signatureLength = 8
  /// Length, type and checksum.
  private static let frameLength = 12
  let width: Int
  let height: Int
  private(set) var orientation = Orientation.upright
  private let bytes: UnsafeRawBufferPointer
  /// Where packed texts stand: libpng would unpack them, a thousand of up to 8 MB each.
  private var packedTexts: [Range<Int>] = []

  /// - Throws: `ImageError` where the file breaks off; a file whose end is cut off is refused also where its pixels are
  ///   there, since it has been damaged on its way.
  init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
    self.bytes = bytes
    let reader = ByteReader(bytes)
    let first = PNGChunks.signatureLength
    guard reader.part(first + 4, count: 4)?.elementsEqual("IHDR".utf8) == true, let width = reader.uint32(first + 8),
      let height = reader.uint32(first + 12)
    else { throw ImageError("truncated PNG: it has no header") }
    // The format's own bound, below which sizes can be multiplied.
    guard max(width, height) <= Int32.max else { throw ImageError("broken PNG: \(width) x \(height) pixels") }
    (self.width, self.height) = (width, height)
    var place = first
    while true {
      guard let length = reader.uint32(place), let type = reader.part(place + 4, count: 4),
        let content = reader.part(place + 8, count: length), reader.part(place + 8 + length, count: 4) != nil
      else { throw ImageError("truncated PNG: it ends before its last chunk") }
      let end = place + PNGChunks.frameLength + length
      switch String(decoding: type, as: UTF8.self) {
      case "IEND": return
      case "eXIf": orientation = Orientation(exif: content)
      case "zTXt", "iTXt": packedTexts.append(place..<end)
      default: break
      }
      place = end
    }
  }

  /// The file's bytes, without packed texts.
  func withImageBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    guard !packedTexts.isEmpty else { return body(bytes) }
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    var start = 0
    for text in packedTexts {
      kept += bytes[start..<text.lowerBound]
      start = text.upperBound
    }
    kept += bytes[start...]
    return kept.withUnsafeBytes(body)
  }
}
