// Images as MATLAB lays arrays out: planes of columns.

/// Square images of three planes, each plane column by column.
struct ColumnPlanes {
  /// Of an image, in pixels.
  let side: Int

  var imageBytes: Int { 3 * side * side }

  /// The same images with channels last, rows from the top.
  func pixels<Bytes: RandomAccessCollection<UInt8>>(of planes: Bytes) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: planes.count) { pixels, initialized in
      let isLent: Void? = planes.withContiguousStorageIfAvailable { planes in
        for image in 0..<planes.count / imageBytes { reorder(planes, pixels, from: image * imageBytes) }
      }
      precondition(isLent != nil, "the planes lie in memory together")
      initialized = planes.count
    }
  }

  private func reorder(
    _ planes: UnsafeBufferPointer<UInt8>, _ pixels: UnsafeMutableBufferPointer<UInt8>, from first: Int
  ) {
    for channel in 0..<3 {
      for column in 0..<side {
        let source = first + (channel * side + column) * side
        for row in 0..<side { pixels[first + (row * side + column) * 3 + channel] = planes[source + row] }
      }
    }
  }
}
