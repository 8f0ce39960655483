// PNG images, by libpng's simplified interface, which answers with a code where its own one jumps.

import CPNG

/// A PNG file whose chunks have been found.
struct PNGFile: ImageFile {
  private let chunks: PNGChunks

  init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) { chunks = try PNGChunks(bytes) }

  let kind = ImageKind.png
  var width: Int { chunks.width }
  var height: Int { chunks.height }
  var orientation: Orientation { chunks.orientation }

  func decode(channels: Int, shorterSide: Int?, mostPixels: Int) throws(ImageError) -> PixelImage {
    try require(width, height, atMost: mostPixels)
    switch chunks.withImageBytes({ decode($0, channels: channels) }) {
    case .success(let image): return image
    case .failure(let error): throw error
    }
  }

  private func decode(_ bytes: UnsafeRawBufferPointer, channels: Int) -> Result<PixelImage, ImageError> {
    var picture = png_image()
    picture.version = png_uint_32(PNG_IMAGE_VERSION)
    guard png_image_begin_read_from_memory(&picture, bytes.baseAddress, bytes.count) != 0 else {
      return .failure(ImageError("broken PNG: \(picture.lastMessage)"))
    }
    defer { png_image_free(&picture) }
    // 16 bits are taken for linear light otherwise, which hardly any file means.
    picture.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
    let hasColor = picture.format & png_uint_32(PNG_FORMAT_FLAG_COLOR) != 0
    let hasAlpha = picture.format & png_uint_32(PNG_FORMAT_FLAG_ALPHA) != 0
    // libpng would lay transparency before white in linear light, and weigh colours there. Viewers do not.
    let isColor = hasColor || (channels == 3 && !hasAlpha)
    picture.format =
      (isColor ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0) | (hasAlpha ? png_uint_32(PNG_FORMAT_FLAG_ALPHA) : 0)
    let samples = (isColor ? 3 : 1) + (hasAlpha ? 1 : 0)
    let (image, isRead) = filled(width, height, channels: samples) { pixels in
      png_image_finish_read(&picture, nil, pixels.baseAddress, Int32(width * samples), nil) != 0
    }
    guard isRead else { return .failure(ImageError("broken PNG: \(picture.lastMessage)")) }
    return .success(hasAlpha ? image.onWhite() : image)
  }
}

extension png_image {
  /// libpng's last message, a C string in an array of fixed length.
  fileprivate var lastMessage: String {
    withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
