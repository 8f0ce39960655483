// WebP images, by libwebp.

import CWebP

/// A WebP file whose header has been read.
struct WebPFile: ImageFile {
  let kind = ImageKind.webP
  let width: Int
  let height: Int
  private(set) var orientation = Orientation.upright
  private var frame: Frame

  /// The picture of a still image, or an animation's first one, which may cover a part of it.
  private struct Frame {
    let bytes: UnsafeRawBufferPointer
    let hasAlpha: Bool
    var x = 0
    var y = 0
    let width: Int
    let height: Int
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
    let headerLength = 8
    guard let length = ByteReader(bytes, isBigEndian: false).uint32(4), length <= bytes.count - headerLength else {
      throw WebPFile.truncated
    }
    var features = WebPBitstreamFeatures()
    let status = WebPGetFeatures(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &features)
    guard status == VP8_STATUS_OK else { throw WebPFile.error(status) }
    (width, height) = (Int(features.width), Int(features.height))
    frame = Frame(bytes: bytes, hasAlpha: features.has_alpha != 0, width: width, height: height)
    let isExtended = ByteReader(bytes).part(12, count: 4)?.elementsEqual("VP8X".utf8) == true
    if isExtended { try readExtension(bytes, isAnimation: features.has_animation != 0) }
  }

  private static let truncated = ImageError("truncated WebP: it ends before its last pixel")

  private static func error(_ status: VP8StatusCode) -> ImageError {
    switch status {
    case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: truncated
    case VP8_STATUS_OUT_OF_MEMORY: ImageError("no memory to decode it in")
    case VP8_STATUS_UNSUPPORTED_FEATURE: ImageError("broken WebP: libwebp does not know its form")
    default: ImageError("broken WebP: its bits are none of a WebP image")
    }
  }

  private mutating func readExtension(_ bytes: UnsafeRawBufferPointer, isAnimation: Bool) throws(ImageError) {
    var data = WebPData(bytes: bytes.bindMemory(to: UInt8.self).baseAddress, size: bytes.count)
    guard let parts = WebPDemux(&data) else { throw ImageError("broken WebP: its parts do not fit together") }
    defer { WebPDemuxDelete(parts) }
    var chunk = WebPChunkIterator()
    if WebPDemuxGetChunk(parts, "EXIF", 1, &chunk) != 0 {
      orientation = Orientation(exif: UnsafeRawBufferPointer(start: chunk.chunk.bytes, count: chunk.chunk.size))
    }
    WebPDemuxReleaseChunkIterator(&chunk)
    guard isAnimation else { return }
    var first = WebPIterator()
    defer { WebPDemuxReleaseIterator(&first) }
    guard WebPDemuxGetFrame(parts, 1, &first) != 0, first.complete != 0 else { throw WebPFile.truncated }
    frame = Frame(
      bytes: UnsafeRawBufferPointer(start: first.fragment.bytes, count: first.fragment.size),
      hasAlpha: first.has_alpha != 0, x: Int(first.x_offset), y: Int(first.y_offset), width: Int(first.width),
      height: Int(first.height))
    guard frame.x + frame.width <= width, frame.y + frame.height <= height else {
      throw ImageError("broken WebP: its first picture is larger than the animation")
    }
  }

  func decode(channels: Int, shorterSide: Int?, mostPixels: Int) throws(ImageError) -> PixelImage {
    try require(width, height, atMost: mostPixels)
    let hasAlpha = frame.hasAlpha || (frame.width, frame.height) != (width, height)
    let (image, status) = filled(width, height, channels: hasAlpha ? 4 : 3) { pixels in
      decode(to: pixels, samples: hasAlpha ? 4 : 3)
    }
    guard status == VP8_STATUS_OK else { throw WebPFile.error(status) }
    return hasAlpha ? image.onWhite() : image
  }

  private func decode(to pixels: UnsafeMutableBufferPointer<UInt8>, samples: Int) -> VP8StatusCode {
    var decoder = WebPDecoderConfig()
    guard WebPInitDecoderConfig(&decoder) != 0 else { return VP8_STATUS_UNSUPPORTED_FEATURE }
    let start = (frame.y * width + frame.x) * samples
    decoder.output.colorspace = samples == 4 ? MODE_RGBA : MODE_RGB
    decoder.output.is_external_memory = 1
    decoder.output.u.RGBA = WebPRGBABuffer(
      rgba: pixels.baseAddress.map { $0 + start }, stride: Int32(width * samples), size: pixels.count - start)
    return WebPDecode(frame.bytes.bindMemory(to: UInt8.self).baseAddress, frame.bytes.count, &decoder)
  }
}
