// PNG files for tests, written by libpng itself.

import CPNG
import Foundation
import KindredVision
import Testing

extension PixelImage {
  /// The image as a PNG file.
  func png() throws -> Data {
    var picture = png_image()
    picture.version = png_uint_32(PNG_IMAGE_VERSION)
    (picture.width, picture.height) = (png_uint_32(width), png_uint_32(height))
    picture.format = channels == 3 ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0
    var size = width * height * channels + 4096 + height
    var file = Data(count: size)
    let isWritten = file.withUnsafeMutableBytes { target in
      bytes.withUnsafeBytes {
        png_image_write_to_memory(&picture, target.baseAddress, &size, 0, $0.baseAddress, 0, nil)
      }
    }
    try #require(isWritten != 0)
    return file.prefix(size)
  }
}
