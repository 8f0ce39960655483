// The drawn textures: the same bytes everywhere, balanced, and never twice.

import Foundation
import Testing

@testable import KindredVision

@Suite struct TexturesTests {
  private func sha256(_ bytes: [UInt8]) -> String {
    Digest.sha256.hex(of: bytes)
  }

  /// Recorded once, on x86-64; every machine must draw the same bytes.
  @Test func sameSeedSameBytes() {
    #expect(
      sha256(Textures.images(count: 40, seed: 1, split: .train).allPixels)
        == "36fc0f0b7888bdceba1cdec83d3a1d471a28257309606f04989564f43758d2d7")
    #expect(
      sha256(Textures.images(count: 40, seed: 1, split: .test).allPixels)
        == "b1180b2703afb59caaf9e2b75f06071dcc0bb5a0ad6929dfd866f60ec1747629")
  }

  @Test func longerSetBeginsLikeAShorterOne() {
    let long = Textures.images(count: 30, split: .train)
    #expect(Textures.images(count: 20, split: .train).allPixels == Array(long.allPixels.prefix(20 * 3_072)))
  }

  @Test func classesAreBalancedAndNamed() {
    let set = Textures.images(count: 40, split: .test)
    #expect(set.labels == (0..<40).map { Int32($0 % 10) })
    #expect(set.classNames.count == 10 && Set(set.classNames).count == 10)
    #expect((set.width, set.height, set.channels) == (32, 32, 3))
  }

  @Test func noImageComesTwice() throws {
    let sets = [(0, DataSplit.train), (0, .test), (1, .train), (1, .test)].map { seed, split in
      Textures.images(count: 50, seed: UInt64(seed), split: split)
    }
    let images = try sets.flatMap { set in try (0..<set.count).map { try set.image(at: $0) } }
    #expect(Set(images).count == 200)
  }

  @Test func channelStatisticsAreThoseOfThePixels() {
    let set = Textures.images(count: 1_000, split: .train)
    for (channel, measured) in channelStatistics(set).enumerated() {
      #expect(abs(measured.mean - Double(set.channelMean[channel])) < 0.02)
      #expect(abs(measured.deviation - Double(set.channelDeviation[channel])) < 0.02)
    }
  }

  @Test func portableSineIsTheSine() {
    for step in -2_000...2_000 {
      let turns = Double(step) / 317
      #expect(abs(PortableMath.sine(turns: turns) - sin(2 * .pi * turns)) < 4e-7)
      #expect(abs(PortableMath.cosine(turns: turns) - cos(2 * .pi * turns)) < 4e-7)
    }
  }
}

/// Mean and deviation of each channel of pixels / 255, from counts of the 256 values.
func channelStatistics(_ set: ImageSet) -> [(mean: Double, deviation: Double)] {
  var counts = [Int](repeating: 0, count: set.channels * 256)
  counts.withUnsafeMutableBufferPointer { counts in
    set.allPixels.withUnsafeBufferPointer { pixels in
      var (at, channel) = (0, 0)
      while at < pixels.count {
        counts[channel << 8 | Int(pixels[at])] += 1
        at += 1
        channel = channel + 1 == set.channels ? 0 : channel + 1
      }
    }
  }
  return (0..<set.channels).map { channel in
    let own = counts[channel * 256..<(channel + 1) * 256]
    let total = Double(own.reduce(0, +))
    let mean = zip(own, 0...).map { Double($0) * Double($1) }.reduce(0, +) / total
    let square = zip(own, 0...).map { Double($0) * Double($1) * Double($1) }.reduce(0, +) / total
    return (mean / 255, (square - mean * mean).squareRoot() / 255)
  }
}
