// What the data tests share: hand-made sets, and the real sets where there are any.

import CZlib
import Foundation
import Kindred
import TestSupport
import Testing

@testable import KindredVision

/// Bytes that look random and are the same each time.
func noiseBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var random = SplitMix64(state: seed)
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

/// A small set with noise for pixels, its classes in turn.
func noiseSet(count: Int, width: Int = 5, height: Int = 4, channels: Int = 3, classes: Int = 3) -> ImageSet {
  ImageSet(
    name: "noise", width: width, height: height, channels: channels, classNames: (0..<classes).map { "class \($0)" },
    pixels: noiseBytes(count * width * height * channels), labels: (0..<count).map { Int32($0 % classes) },
    channelMean: [Float](repeating: 0.5, count: channels), channelDeviation: [Float](repeating: 0.25, count: channels))
}

/// What zlib itself makes of `bytes` as a gzip file.
func gzip(_ bytes: [UInt8], in folder: TestFolder) throws -> [UInt8] {
  let file = folder.url.appendingPathComponent("\(UUID().uuidString).gz")
  let stream = try #require(gzopen(file.path, "wb"))
  #expect(gzwrite(stream, bytes, UInt32(bytes.count)) == Int32(bytes.count))
  #expect(gzclose(stream) == Z_OK)
  return [UInt8](try Data(contentsOf: file))
}

/// The real data sets, which not every machine has.
enum RealData {
  /// The folder of sets that holds `name`: `KINDRED_DATA`, or `shared/data` beside the checkout.
  static func folder(with name: DataSet) -> URL? {
    let checkout = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    let beside = checkout.deletingLastPathComponent().appendingPathComponent("shared/data")
    let named = ProcessInfo.processInfo.environment["KINDRED_DATA"].map { URL(fileURLWithPath: $0) }
    return [named, beside].compactMap { $0 }.first { folder in
      let ready = ["data_batch_1.bin", "cifar-10-batches-bin", "train.bin", "cifar-100-binary"]
      let idx = ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"]
      let set = folder.appendingPathComponent(name.name)
      return (ready + idx).contains { FileManager.default.fileExists(atPath: set.appendingPathComponent($0).path) }
    }
  }
}

/// The message of the `DataError` that `body` throws.
func dataErrorMessage(_ body: () throws -> Void) throws -> String {
  let error = try #require(throws: DataError.self) { try body() }
  #expect(!error.description.contains("\n"), "an error is one line")
  return error.description
}
