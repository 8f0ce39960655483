// A look at a data set: some images of each class on one sheet.

/// A picture of `width x height` pixels of three bytes (red, green, blue), rows from the top.
package struct PixelGrid: Sendable, Equatable {
  /// Width in pixels.
  package let width: Int
  /// Height in pixels.
  package let height: Int
  /// `height x width x 3` bytes.
  package let pixels: [UInt8]
}

extension ImageSet {
  /// The first images of each class, one row a class, on white; grey images become colour.
  ///
  /// A class with fewer images leaves the rest of its row white. Images without a class are not shown.
  /// - Parameters:
  ///   - perClass: images in a row, at least 1.
  ///   - scale: the edge, in the sheet, of an image's pixel, at least 1.
  /// - Throws: `DataError` naming a file that cannot be read.
  package func contactSheet(perClass: Int, scale: Int = 1) throws -> PixelGrid {
    precondition(perClass > 0 && scale > 0, "a sheet has at least one column and a scale of at least 1")
    let gap = 2
    let cell = (width: width * scale + gap, height: height * scale + gap)
    let sheet = (width: perClass * cell.width + gap, height: classNames.count * cell.height + gap)
    var pixels = [UInt8](repeating: 255, count: sheet.width * sheet.height * 3)
    var columns = [Int](repeating: 0, count: classNames.count)
    for (index, label) in labels.enumerated() where label >= 0 && columns[Int(label)] < perClass {
      let corner = (x: gap + columns[Int(label)] * cell.width, y: gap + Int(label) * cell.height)
      columns[Int(label)] += 1
      let image = try image(at: index)
      for y in 0..<height * scale {
        for x in 0..<width * scale {
          let source = image.startIndex + (y / scale * width + x / scale) * channels
          let target = ((corner.y + y) * sheet.width + corner.x + x) * 3
          for color in 0..<3 { pixels[target + color] = image[source + min(color, channels - 1)] }
        }
      }
    }
    return PixelGrid(width: sheet.width, height: sheet.height, pixels: pixels)
  }
}
