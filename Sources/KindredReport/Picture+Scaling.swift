// Pictures made small enough to stand in a page by the hundred.

extension Picture {
  /// The middle square, scaled so that its side is at most `side`: each pixel is the mean of those that it stands for.
  /// Smaller pictures keep their pixels.
  package func thumbnail(_ side: Int) -> Picture {
    let square = min(width, height)
    let (left, top, target) = ((width - square) / 2, (height - square) / 2, min(side, square))
    guard target < width || target < height else { return self }
    var bytes: [UInt8] = []
    for y in 0..<target {
      for x in 0..<target {
        let rows = top + y * square / target..<top + max((y + 1) * square / target, y * square / target + 1)
        let columns = left + x * square / target..<left + max((x + 1) * square / target, x * square / target + 1)
        for channel in 0..<3 {
          let sum = rows.reduce(0) { sum, row in
            columns.reduce(sum) { $0 + Int(self.bytes[(row * width + $1) * 3 + channel]) }
          }
          bytes.append(UInt8((sum + rows.count * columns.count / 2) / (rows.count * columns.count)))
        }
      }
    }
    return Picture(width: target, height: target, bytes: bytes)
  }
}
