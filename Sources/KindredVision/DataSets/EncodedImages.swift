// Images that lie on disk as JPEG, PNG or WebP: decoded when they are wanted, and kept where all of them fit.

import Files
import Foundation
import Synchronization

/// Files of images. Small sets stay in memory once they are decoded, large ones are decoded each time.
final class EncodedImages: ImageSource {
  private let files: ListedImages
  private let channels: Int
  /// How many pixels the shorter side of an image has at least; larger JPEGs are decoded at a scale.
  private let shorterSide: Int
  /// The bytes that decoded images may take.
  private let memory: Int
  /// By index; nil where the set is too large to be kept.
  private let kept: Mutex<[PixelImage?]>?

  /// - Parameter memory: the bytes that decoded images may take.
  init(_ files: ListedImages, channels: Int, shorterSide: Int, memory: Int) {
    (self.files, self.channels, self.shorterSide, self.memory) = (files, channels, shorterSide, memory)
    let isSmall = EncodedImages.expectedBytes(files, channels: channels, shorterSide: shorterSide) <= memory
    kept = isSmall ? Mutex([PixelImage?](repeating: nil, count: files.count)) : nil
  }

  /// Images for views whose shorter side is scaled to `evaluatedSide`: of twice that, so that crops have pixels enough.
  convenience init(_ files: ListedImages, channels: Int, evaluatedSide: Int, memory: Int) {
    self.init(files, channels: channels, shorterSide: 2 * evaluatedSide, memory: memory)
  }

  func resolved(for evaluatedSide: Int) -> any ImageSource {
    guard shorterSide != 2 * evaluatedSide else { return self }
    return EncodedImages(files, channels: channels, evaluatedSide: evaluatedSide, memory: memory)
  }

  var count: Int { files.count }
  var shardSizes: [Int]? { files.shardSizes }
  /// What the files' paths start from.
  var root: URL { files.root }

  /// SHA-256 of what tells these images from others.
  var fingerprint: String {
    Digest.sha256.hex { update in for index in 0..<count { withIdentity(of: index, update) } }
  }

  var size: (width: Int, height: Int)? { nil }

  func withPixels<Result>(at index: Int, _ body: (ImagePixels) throws -> Result) throws -> Result {
    if let known = kept?.withLock({ $0[index] }) { return try known.withPixels(body) }
    let image = try decode(index)
    kept?.withLock { $0[index] = image }
    return try image.withPixels(body)
  }

  private func decode(_ index: Int) throws -> PixelImage {
    let bytes = try files.bytes(at: index)
    do {
      return try bytes.withUnsafeBytes {
        try ImageDecoder.decode($0, channels: channels, shorterSide: shorterSide)
      }
    } catch {
      throw DataError("\(files.name(at: index)): \(error)")
    }
  }

  func isSame(as other: any ImageSource) -> Bool { other as? EncodedImages === self }

  /// A file's path and size stand for its pixels: to read all of a large set before each run would take minutes.
  func withIdentity(of index: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    Array("\(files.places[index].path)\0\(files.places[index].size)\0\(channels) \(shorterSide)\0".utf8)
      .withUnsafeBytes(body)
  }

  /// What all images take once they are decoded, from the headers of some that are spread over the set.
  private static func expectedBytes(_ files: ListedImages, channels: Int, shorterSide: Int) -> Int {
    let some = stride(from: 0, to: files.count, by: max(files.count / 32, 1))
    let bytes = some.map { index -> Int in
      guard let head = try? files.bytes(at: index),
        let header = try? head.withUnsafeBytes({ try ImageDecoder.header(of: $0) })
      else { return 0 }
      return header.decodedBytes(channels: channels, shorterSide: shorterSide)
    }
    return bytes.reduce(0, +) / max(bytes.count, 1) * files.count
  }
}

extension ImageHeader {
  /// What the image takes once it is decoded, a JPEG at the scale that leaves its shorter side what is asked for.
  fileprivate func decodedBytes(channels: Int, shorterSide: Int) -> Int {
    var (width, height) = (width, height)
    while kind == .jpeg, min(width, height) >= 2 * shorterSide { (width, height) = (width / 2, height / 2) }
    return width * height * channels
  }
}
