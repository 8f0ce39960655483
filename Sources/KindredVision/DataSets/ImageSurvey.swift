// What a set of one's own images is at first sight: enough to propose how networks see them.

import Foundation

/// A set of one's own images, listed, and the sizes of some of them.
package struct ImageSurvey: Sendable {
  package let count: Int
  /// In the order of labels; empty where there are no classes.
  package let classNames: [String]
  /// The images in the smallest and the largest class; nil where there are no classes.
  package let classSizes: ClosedRange<Int>?
  /// The shorter side of the middle one of the images that were looked at, in pixels.
  package let shorterSide: Int

  /// As many as tell the middle well enough.
  private static let looks = 256

  /// - Throws: `DataError` for a set that cannot be listed, or of which no image can be read.
  package init(_ place: URL) throws {
    let files = try ListedImages(place)
    (count, classNames) = (files.count, files.classNames)
    let counts = Dictionary(grouping: files.labels.filter { $0 >= 0 }) { $0 }.values.map(\.count)
    classSizes = counts.min().flatMap { least in counts.max().map { least...$0 } }
    let step = max(files.count / ImageSurvey.looks, 1)
    let sides = stride(from: 0, to: files.count, by: step).compactMap { ImageSurvey.shorterSide(of: files, $0) }
      .sorted()
    guard !sides.isEmpty else {
      throw DataError(
        "\(place.displayName): none of its images can be read; 'kindred data check' tells what is wrong with each")
    }
    shorterSide = sides[sides.count / 2]
  }

  private static func shorterSide(of files: ListedImages, _ index: Int) -> Int? {
    guard let bytes = try? files.bytes(at: index) else { return nil }
    return bytes.withUnsafeBytes { bytes in
      (try? ImageDecoder.header(of: bytes)).map { min($0.width, $0.height) }
    }
  }
}
