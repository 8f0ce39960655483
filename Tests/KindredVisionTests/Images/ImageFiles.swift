// The images that Tests/Golden/make_images.py wrote.

import Foundation
import GoldenFiles
import KindredVision
import Torch

/// A golden image file's bytes.
func imageFile(_ name: String) throws -> [UInt8] {
  let parts = name.split(separator: ".").map(String.init)
  return Array(try Data(contentsOf: Golden.file("images/\(parts[0])", parts[1])))
}

func decoded(_ bytes: [UInt8], channels: Int = 3, shorterSide: Int? = nil) throws -> PixelImage {
  try bytes.withUnsafeBytes { try ImageDecoder.decode($0, channels: channels, shorterSide: shorterSide) }
}

func header(_ bytes: [UInt8]) throws -> ImageHeader { try bytes.withUnsafeBytes { try ImageDecoder.header(of: $0) } }

/// What decoding says of a file that it refuses.
func refusal(_ bytes: [UInt8]) -> String? {
  do {
    _ = try decoded(bytes)
    return nil
  } catch {
    return "\(error)"
  }
}

extension PixelImage {
  init(_ tensor: Tensor) {
    let shape = tensor.shape
    self.init(width: shape[1], height: shape[0], channels: shape[2], bytes: tensor.elements(as: UInt8.self))
  }

  /// The largest difference of two bytes; nil where the sizes differ.
  func largestDifference(from other: PixelImage) -> Int? {
    guard (width, height, channels) == (other.width, other.height, other.channels) else { return nil }
    return zip(bytes, other.bytes).map { abs(Int($0) - Int($1)) }.max()
  }
}
