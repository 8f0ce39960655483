// Where an image's pixels come from: memory, a file, a place in an archive.

/// Images that are read one by one, from any thread.
package protocol ImageSource: Sendable {
  /// The number of images.
  var count: Int { get }

  /// The one size that all images have, and that they are seen in; nil where each has its own.
  var size: (width: Int, height: Int)? { get }

  /// How many images follow each other in each archive that they lie in, for sets that are read archive by archive; nil for
  /// others.
  var shardSizes: [Int]? { get }

  /// Hands one image's pixels over. The same index always gives the same pixels.
  /// - Throws: `DataError` naming the file that cannot be read; whatever `body` throws.
  func withPixels<Result>(at index: Int, _ body: (ImagePixels) throws -> Result) throws -> Result

  /// The same images, as well resolved as views need it whose shorter side is scaled to `evaluatedSide`.
  func resolved(for evaluatedSide: Int) -> any ImageSource

  /// Whether another source is this one, so that what is made of an image once need not be made again.
  func isSame(as other: any ImageSource) -> Bool

  /// What tells an image from another one, for the fingerprint of a set: its pixels, or its file's name and size.
  func withIdentity(of index: Int, _ body: (UnsafeRawBufferPointer) -> Void)
}

extension ImageSource {
  package func resolved(for evaluatedSide: Int) -> any ImageSource { self }
}

/// The pixels of one image while they are lent: height x width x channels bytes, channels last, rows from the top.
package struct ImagePixels {
  package let width: Int
  package let height: Int
  package let channels: Int
  package let bytes: UnsafeBufferPointer<UInt8>
}

/// Images of one size, all in memory.
struct PackedImages: ImageSource {
  let width: Int
  let height: Int
  let channels: Int
  /// One image after another.
  let pixels: [UInt8]

  private var imageBytes: Int { width * height * channels }
  var count: Int { pixels.count / imageBytes }
  var size: (width: Int, height: Int)? { (width, height) }
  var shardSizes: [Int]? { nil }

  func withPixels<Result>(at index: Int, _ body: (ImagePixels) throws -> Result) throws -> Result {
    try pixels.withUnsafeBufferPointer {
      let bytes = $0.extracting(index * imageBytes..<(index + 1) * imageBytes)
      return try body(ImagePixels(width: width, height: height, channels: channels, bytes: bytes))
    }
  }

  func isSame(as other: any ImageSource) -> Bool {
    guard let other = other as? PackedImages, (width, height) == (other.width, other.height) else { return false }
    return pixels.withUnsafeBufferPointer { own in
      other.pixels.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress && own.count == $0.count }
    }
  }

  func withIdentity(of index: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    pixels.withUnsafeBytes { body(.init(rebasing: $0[index * imageBytes..<(index + 1) * imageBytes])) }
  }
}
