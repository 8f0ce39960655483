// The way from a file's bytes to pixels.

/// Decodes JPEG, PNG and WebP images to what a viewer shows.
///
/// Transparency lies before white, CMYK becomes red, green and blue, samples of 16 bits become bytes, the orientation that a
/// camera noted is applied, and of an animation the first picture is taken. Colour profiles are not applied. All functions are
/// safe on any thread and start none.
public enum ImageDecoder {
  /// The most pixels that are decoded; some 600 MB in colour.
  public static let mostPixels = 200_000_000

  /// What a whole file says of itself; nothing is decoded.
  /// - Throws: `ImageError` for what is no JPEG, PNG or WebP image, or breaks off before its size.
  public static func header(of bytes: UnsafeRawBufferPointer) throws(ImageError) -> ImageHeader {
    let file = try open(bytes)
    let shown = file.orientation.shown(file.width, file.height)
    return ImageHeader(kind: file.kind, width: shown.width, height: shown.height)
  }

  /// The pixels of a file.
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - channels: 1 (grey) or 3 (red, green, blue); colour becomes grey by Pillow's weights, grey is repeated.
  ///   - shorterSide: how many pixels the shorter side needs at least. A larger JPEG may be decoded at a scale of 1/2, 1/4
  ///     or 1/8 that leaves as many, which is quicker.
  /// - Throws: `ImageError` for another kind of file, a broken one, or one of more than `mostPixels`.
  public static func decode(
    _ bytes: UnsafeRawBufferPointer, channels: Int, shorterSide: Int? = nil
  ) throws(ImageError) -> PixelImage {
    try decode(bytes, channels: channels, shorterSide: shorterSide, mostPixels: mostPixels)
  }

  /// - Parameter mostPixels: fewer only in tests.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, channels: Int, shorterSide: Int?, mostPixels: Int
  ) throws(ImageError) -> PixelImage {
    precondition(channels == 1 || channels == 3, "an image is decoded to 1 or 3 channels")
    let file = try open(bytes)
    let image = try file.decode(channels: channels, shorterSide: shorterSide, mostPixels: mostPixels)
    return image.with(channels: channels).oriented(file.orientation)
  }

  private static func open(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> any ImageFile {
    let kind = try ImageKind(bytes)
    let file: any ImageFile =
      switch kind {
      case .jpeg: try JPEGFile(bytes)
      case .png: try PNGFile(bytes)
      case .webP: try WebPFile(bytes)
      }
    guard file.width > 0, file.height > 0 else {
      throw ImageError("empty \(kind.rawValue): \(file.width) x \(file.height) pixels")
    }
    return file
  }
}

/// A file whose header has been read.
protocol ImageFile {
  var kind: ImageKind { get }
  /// Width in pixels as stored.
  var width: Int { get }
  /// Height in pixels as stored.
  var height: Int { get }
  var orientation: Orientation { get }

  /// The pixels as stored, grey or red, green and blue. Of both, a decoder gives the number of channels asked for where that
  /// costs nothing.
  func decode(channels: Int, shorterSide: Int?, mostPixels: Int) throws(ImageError) -> PixelImage
}

extension ImageFile {
  /// Refuses more pixels than may be held, before any memory is taken for them.
  func require(_ width: Int, _ height: Int, atMost limit: Int) throws(ImageError) {
    guard width <= limit / height else { throw ImageError("\(width) x \(height) pixels; at most \(limit) are decoded") }
  }

  /// `width x height x channels` bytes that a decoder fills, and what it said.
  func filled<Status>(
    _ width: Int, _ height: Int, channels: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Status
  ) -> (image: PixelImage, status: Status) {
    // Zeros and not whatever was there: a decoder may see a smaller image than was announced.
    var bytes = [UInt8](repeating: 0, count: width * height * channels)
    let status = bytes.withUnsafeMutableBufferPointer { fill($0) }
    return (PixelImage(width: width, height: height, channels: channels, bytes: bytes), status)
  }
}
