// Two sets of images as one.

/// The images of one set and those of another behind them.
struct JoinedImages: ImageSource {
  let first: ImageSet
  let second: ImageSet

  var count: Int { first.count + second.count }
  var size: (width: Int, height: Int)? { nil }
  var shardSizes: [Int]? { nil }

  func withPixels<Result>(at index: Int, _ body: (ImagePixels) throws -> Result) throws -> Result {
    index < first.count
      ? try first.withPixels(at: index, body) : try second.withPixels(at: index - first.count, body)
  }

  func isSame(as other: any ImageSource) -> Bool {
    guard let other = other as? JoinedImages else { return false }
    return first.hasImages(of: other.first) && second.hasImages(of: other.second)
  }

  func withIdentity(of index: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    index < first.count
      ? first.withIdentity(of: index, body) : second.withIdentity(of: index - first.count, body)
  }
}
