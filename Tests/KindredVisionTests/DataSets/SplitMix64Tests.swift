// The random numbers against the published sequence and for uniformity.

import Kindred
import Testing

@testable import KindredVision

@Suite struct SplitMix64Tests {
  /// The outputs that the algorithm's descriptions print for this seed.
  @Test func publishedSequence() {
    var random = SplitMix64(state: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    #expect(expected.map { _ in random.next() } == expected)
  }

  @Test func boundedDrawsAreUniform() {
    var random = SplitMix64(key: 1, 2)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[Int(random.below(7))] += 1 }
    #expect(chiSquare(counts) < 22.5, "six degrees of freedom, one in a thousand")
    // A bound just above half of the range rejects almost every second draw.
    #expect((0..<100).allSatisfy { _ in random.below(1 << 63 + 1) <= 1 << 63 })
  }

  @Test func keysGiveStreamsOfTheirOwn() {
    var firsts = Set<UInt64>()
    for seed in UInt64(0)..<50 {
      for epoch in UInt64(0)..<50 {
        var random = SplitMix64(key: seed, epoch)
        firsts.insert(random.next())
      }
    }
    #expect(firsts.count == 2_500)
  }
}

/// The sum of (found - expected)^2 / expected when all are expected alike.
func chiSquare(_ counts: [Int]) -> Double {
  let expected = Double(counts.reduce(0, +)) / Double(counts.count)
  return counts.map { (Double($0) - expected) * (Double($0) - expected) / expected }.reduce(0, +)
}
