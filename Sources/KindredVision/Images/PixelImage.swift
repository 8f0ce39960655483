// An image as bytes: what files are decoded to, and what batches are made of.

import Torch

/// The pixels of one image: `height x width x channels` bytes, rows from the top, channels last.
public struct PixelImage: Sendable, Equatable {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// Bytes of a pixel: 1 (grey) or 3 (red, green, blue).
  public let channels: Int
  /// `height x width x channels` bytes.
  public var bytes: [UInt8]

  /// The bytes must be as many as width, height and channels say.
  public init(width: Int, height: Int, channels: Int, bytes: [UInt8]) {
    precondition(min(width, height, channels) > 0, "an image has at least one pixel")
    precondition(bytes.count == width * height * channels, "\(bytes.count) bytes are no \(width) x \(height) image")
    (self.width, self.height, self.channels, self.bytes) = (width, height, channels, bytes)
  }

  /// The image at another size, by a bilinear filter that is as wide as what becomes one pixel (antialiased): within one
  /// grey level of Pillow's `Image.resize(size, BILINEAR)`.
  ///
  /// Safe on any thread, and the work of that thread alone.
  public func resized(width newWidth: Int, height newHeight: Int) -> PixelImage {
    guard (newWidth, newHeight) != (width, height) else { return self }
    let resized = interpolate(
      bytes: bytes, height: height, width: width, channels: channels, toHeight: newHeight, toWidth: newWidth)
    return PixelImage(width: newWidth, height: newHeight, channels: channels, bytes: resized)
  }
}
