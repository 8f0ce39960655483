// JPEG images, by libjpeg-turbo's TurboJPEG interface, which answers with a code where libjpeg's own jumps.

import CTurboJPEG

/// A JPEG file whose markers have been read.
struct JPEGFile: ImageFile {
  /// How many pixels may be gone over in all: a progressive file of some kB can ask for hundreds of passes.
  private static let mostVisits = 4_000_000_000
  private let bytes: UnsafeRawBufferPointer
  private let markers: JPEGMarkers

  init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
    self.bytes = bytes
    markers = try JPEGMarkers(bytes)
  }

  let kind = ImageKind.jpeg
  var width: Int { markers.width }
  var height: Int { markers.height }
  var orientation: Orientation { markers.orientation }

  func decode(channels: Int, shorterSide: Int?, mostPixels: Int) throws(ImageError) -> PixelImage {
    let (width, height) = size(leaving: shorterSide)
    try requireBounds(width, height, mostPixels)
    let (format, samples) = format(channels)
    var hadHarmlessWarning = false
    let (image, complaint) = filled(width, height, channels: samples) { pixels in
      let target = Target(pixels: pixels, width: width, height: height, format: format)
      let complaint = decompress(to: target, flags: TJFLAG_STOPONWARNING)
      guard let complaint, complaint.isHarmless else { return complaint }
      hadHarmlessWarning = true
      let second = decompress(to: target, flags: 0)
      return second?.isWarning == true ? nil : second
    }
    if let complaint { throw complaint.error }
    // Only the first warning is told, so that this one may hide that the file breaks off.
    if hadHarmlessWarning, !markers.scans().end { throw Complaint.truncated }
    return samples == 4 ? image.colorOfInks() : image
  }

  /// The smallest size that leaves as many pixels along the shorter side.
  private func size(leaving shorterSide: Int?) -> (width: Int, height: Int) {
    let sizes = [8, 4, 2, 1].map { (width: (width + $0 - 1) / $0, height: (height + $0 - 1) / $0) }
    return sizes.first { shorterSide != nil && min($0.width, $0.height) >= shorterSide ?? 0 } ?? (width, height)
  }

  /// Several scans are held at full size, whatever the scale.
  private func requireBounds(_ width: Int, _ height: Int, _ mostPixels: Int) throws(ImageError) {
    guard markers.hasManyScans else { return try require(width, height, atMost: mostPixels) }
    try require(self.width, self.height, atMost: mostPixels)
    let count = markers.scans().count
    guard self.width * self.height <= JPEGFile.mostVisits / count else {
      throw ImageError("\(count) scans of \(self.width) x \(self.height) pixels are no image but a trap")
    }
  }

  /// libjpeg makes grey and colours of each other, but inks are left as they are.
  private func format(_ channels: Int) -> (TJPF, samples: Int) {
    switch markers.components {
    case 4: (TJPF_CMYK, 4)
    case 1 where channels == 1: (TJPF_GRAY, 1)
    default: (TJPF_RGB, 3)
    }
  }

  private struct Target {
    let pixels: UnsafeMutableBufferPointer<UInt8>
    let width: Int
    let height: Int
    let format: TJPF
  }

  /// - Returns: what libjpeg had to complain of.
  private func decompress(to target: Target, flags: Int32) -> Complaint? {
    // Half a microsecond, so that none has to be kept for each thread.
    guard let decompressor = tjInitDecompress() else { return Complaint(message: "no memory", isWarning: false) }
    defer { tjDestroy(decompressor) }
    let status = tjDecompress2(
      decompressor, bytes.bindMemory(to: UInt8.self).baseAddress, UInt(bytes.count), target.pixels.baseAddress,
      Int32(target.width), 0, Int32(target.height), Int32(target.format.rawValue), flags | TJFLAG_LIMITSCANS)
    guard status != 0 else { return nil }
    return Complaint(
      message: String(cString: tjGetErrorStr2(decompressor)),
      isWarning: tjGetErrorCode(decompressor) == TJERR_WARNING.rawValue)
  }
}

/// An error or a warning of libjpeg's.
private struct Complaint {
  let message: String
  let isWarning: Bool

  static let truncated = ImageError("truncated JPEG: it ends before its last pixel")

  /// libjpeg warns where it goes on with pixels that it made up: of a file that breaks off, or of bits that are none of its
  /// code. Such an image is broken here. What warns of bytes that belong to no pixel is shown by every viewer, and here.
  private static let harmless = [
    "unknown JFIF revision", "Unknown Adobe color transform", "Invalid SOS parameters for sequential JPEG",
  ]

  var isHarmless: Bool {
    isWarning && (isOfStrangeBytes || Complaint.harmless.contains { message.contains($0) })
  }

  /// Bytes between segments, or behind the last pixel; those before a restart (0xD0 to 0xD7) are pixels that were lost.
  private var isOfStrangeBytes: Bool {
    guard message.contains("extraneous bytes before marker"), let marker = UInt8(message.suffix(2), radix: 16) else {
      return false
    }
    return !(0xD0...0xD7).contains(marker)
  }

  var error: ImageError {
    message.hasPrefix("Premature end of JPEG file") ? Complaint.truncated : ImageError("broken JPEG: \(message)")
  }
}
