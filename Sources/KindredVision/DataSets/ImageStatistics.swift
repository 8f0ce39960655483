// Mean and deviation of a set's channels, measured over some of its images and kept beside them.

import Files
import Foundation
import Kindred

/// What images are normalised by.
public struct ImageStatistics: Sendable, Hashable, Codable {
  /// Of each channel, of pixels divided by 255.
  public let mean: [Float]
  /// Standard deviation of each channel.
  public let deviation: [Float]

  /// ImageNet's, which published weights expect.
  public static let imageNet = ImageStatistics(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

  /// How many images are looked at.
  package static let sampleCount = 1000

  /// Measured over up to 1000 images that the set's size alone chooses.
  /// - Throws: `DataError` naming a file that cannot be read.
  init(measuring source: some ImageSource, channels: Int) throws {
    try self.init(channels: channels) { sums in
      for index in ImageStatistics.sample(of: source.count) { try source.withPixels(at: index) { sums.add($0) } }
    }
  }

  /// The same, over a set's images as evaluation sees them.
  /// - Throws: `DataError` naming a file that cannot be read.
  init(measuring images: ImageSet) throws {
    let (width, height, channels) = (images.width, images.height, images.channels)
    try self.init(channels: channels) { sums in
      for index in ImageStatistics.sample(of: images.count) {
        try images.image(at: index).withUnsafeBufferPointer {
          sums.add(ImagePixels(width: width, height: height, channels: channels, bytes: $0))
        }
      }
    }
  }

  private init(channels: Int, _ measure: (inout [Sums]) throws -> Void) rethrows {
    var sums = [Sums](repeating: Sums(), count: channels)
    try measure(&sums)
    mean = sums.map { Float($0.mean) }
    // An image of one colour has none; a network cannot take a division by it.
    deviation = sums.map { Float(max($0.deviation, 1.0 / 255)) }
  }

  /// Of as many channels as there are numbers.
  public init(mean: [Float], deviation: [Float]) { (self.mean, self.deviation) = (mean, deviation) }

  private static func sample(of count: Int) -> [Int] {
    guard count > sampleCount else { return Array(0..<count) }
    var random = SplitMix64(key: 0, UInt64(count))
    return Set((0..<sampleCount).map { _ in Int(random.below(UInt64(count))) }).sorted()
  }

  /// Whole numbers, so that the order of images and machines changes nothing. An image counts as one, whatever its size.
  fileprivate struct Sums {
    private var images = 0
    private var sum = 0.0
    private var squares = 0.0

    var mean: Double { images > 0 ? sum / Double(images) / 255 : 0 }
    var deviation: Double {
      guard images > 0 else { return 0 }
      return max(squares / Double(images) / (255 * 255) - mean * mean, 0).squareRoot()
    }

    mutating func add(_ pixels: ImagePixels, _ channel: Int) {
      var (sum, squares) = (0, 0)
      for place in stride(from: channel, to: pixels.bytes.count, by: pixels.channels) {
        let value = Int(pixels.bytes[place])
        sum += value
        squares += value * value
      }
      let count = Double(pixels.width * pixels.height)
      images += 1
      self.sum += Double(sum) / count
      self.squares += Double(squares) / count
    }
  }
}

extension [ImageStatistics.Sums] {
  /// An image, each channel to its own.
  fileprivate mutating func add(_ pixels: ImagePixels) {
    for channel in indices { self[channel].add(pixels, channel) }
  }
}

/// Statistics that were measured before, in a file beside the images.
struct StatisticsCache {
  private let file: URL
  private let key: String

  private struct Entry: Codable {
    let key: String
    let statistics: ImageStatistics
  }

  /// - Parameter key: tells a set from one that has changed.
  init(in folder: URL, key: String) {
    file = folder.appending(path: ".kindred-statistics.json")
    self.key = key
  }

  var known: ImageStatistics? {
    guard let data = try? Data(contentsOf: file) else { return nil }
    return (try? JSONDecoder().decode([Entry].self, from: data))?.first { $0.key == key }?.statistics
  }

  /// Where the folder cannot be written to, they are measured again the next time.
  func keep(_ statistics: ImageStatistics) {
    let old = (try? Data(contentsOf: file)).flatMap { try? JSONDecoder().decode([Entry].self, from: $0) } ?? []
    // Of the last few forms of the set: a part held out, another size.
    let entries = [Entry(key: key, statistics: statistics)] + old.filter { $0.key != key }.prefix(9)
    guard let data = try? JSONEncoder().encode(entries) else { return }
    try? AtomicFile.write(data, to: file)
  }
}
