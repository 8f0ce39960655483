// Operations on images that are still bytes, for threads that load data.

import CTorch

/// An image of height x width x channels bytes, rows from the top, channels last, at another size.
///
/// `torch.nn.functional.interpolate(mode: "bilinear", antialias: true)` on bytes, within one grey level of Pillow's
/// bilinear filter. No tensor is made, and no thread but the calling one works.
package func interpolate(
  bytes: [UInt8], height: Int, width: Int, channels: Int, toHeight newHeight: Int, toWidth newWidth: Int
) -> [UInt8] {
  precondition(min(height, width, channels, newHeight, newWidth) > 0, "an image has at least one pixel")
  precondition(bytes.count == height * width * channels, "\(bytes.count) bytes are no \(height) x \(width) image")
  let count = newHeight * newWidth * channels
  return [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
    bytes.withUnsafeBufferPointer { source in
      let from = ct_pixels(
        bytes: UnsafeMutablePointer(mutating: source.baseAddress), size: Size2D(height: height, width: width).c)
      let to = ct_pixels(bytes: target.baseAddress, size: Size2D(height: newHeight, width: newWidth).c)
      check(ct_upsample_bilinear2d_aa(from, to, Int64(channels)), "_upsample_bilinear2d_aa")
    }
    initialized = count
  }
}
