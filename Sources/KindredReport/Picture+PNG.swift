// Pictures as PNG files, by libpng.

import CPNG
import Files
import Foundation

/// A picture that could not be saved: which file, and the reason in the system's or libpng's words.
package struct PictureError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file that was to be written.
  package let path: String
  /// The system's words, such as `No space left on device`.
  package let reason: String

  /// One line for a person.
  package var description: String { "cannot write the picture \(path): \(reason)" }
}

extension Picture {
  /// The bytes of a PNG file with this picture: 8 bits a channel, RGB.
  package func pngData() -> Data {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(width)
    image.height = png_uint_32(height)
    image.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)

    // Without a place to write to, libpng only says how many bytes there will be.
    var size = png_alloc_size_t(0)
    let isMeasured = png_image_write_to_memory(&image, nil, &size, 0, bytes, 0, nil)
    precondition(isMeasured != 0, "libpng: \(image.lastMessage)")
    var data = Data(count: Int(size))
    let isWritten = data.withUnsafeMutableBytes {
      png_image_write_to_memory(&image, $0.baseAddress, &size, 0, bytes, 0, nil)
    }
    precondition(isWritten != 0, "libpng: \(image.lastMessage)")
    return data
  }

  /// Saves the picture as PNG; the file appears whole or not at all, and what was there before stays if it fails. Links
  /// are followed, devices and pipes written into.
  /// - Throws: `PictureError`, for instance if the folder is missing or the disk is full.
  package func writePNG(to file: URL) throws {
    do {
      try AtomicFile.write(pngData(), to: file)
    } catch {
      throw PictureError(path: file.path, reason: "\(error)")
    }
  }
}

extension png_image {
  /// libpng's last message, a C string in an array of fixed length.
  fileprivate var lastMessage: String {
    withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
