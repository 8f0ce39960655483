// Drawing samples of other classes, for contrastive methods.

import Torch

/// Draws, for a sample of a set, samples of other classes, each equally likely.
///
/// Nothing is remembered from one draw to the next: what is drawn depends on the stream of random numbers alone.
struct NegativeSampler {
  /// Every sample, class by class, so that the others of a class are all but one stretch.
  private let samples: [Int64]
  /// Where the class of each sample lies in `samples`.
  private let classes: [Range<Int>]

  /// nil where fewer than two classes are told apart. Samples of label -1, which have none, count as a class.
  init?(labels: [Int]) {
    let order = labels.indices.sorted { (labels[$0], $0) < (labels[$1], $1) }
    guard let first = order.first, let last = order.last, labels[first] != labels[last] else { return nil }
    var classes = [Range<Int>](repeating: 0..<0, count: labels.count)
    var start = 0
    while start < order.count {
      let end = order[start...].firstIndex { labels[$0] != labels[order[start]] } ?? order.count
      for place in start..<end { classes[order[place]] = start..<end }
      start = end
    }
    (samples, self.classes) = (order.map(Int64.init), classes)
  }

  /// Fills `drawn`: without replacement while there are as many, in the order of the samples' classes; else with it.
  func draw(_ drawn: UnsafeMutableBufferPointer<Int64>, for sample: Int, from random: inout SplitMix64) {
    let own = classes[sample]
    let others = samples.count - own.count
    /// The sample at a place among the others.
    func other(_ place: Int) -> Int64 { samples[place < own.lowerBound ? place : place + own.count] }
    guard drawn.count <= others else {
      for k in drawn.indices { drawn[k] = other(Int(random.below(UInt64(others)))) }
      return
    }
    var places = BitSet(others)
    // Those that are left out are drawn where they are the fewer, so that few draws hit what is drawn already.
    let isLeavingOut = drawn.count > others / 2
    places.insertRandom(isLeavingOut ? others - drawn.count : drawn.count, from: &random)
    if isLeavingOut { places.invert() }
    var k = 0
    places.visit { place in
      drawn[k] = other(place)
      k += 1
    }
  }
}

/// A set of numbers below a bound, a bit for each.
private struct BitSet {
  private var words: [UInt64]
  private let bound: Int

  init(_ bound: Int) {
    words = [UInt64](repeating: 0, count: (bound + 63) / 64)
    self.bound = bound
  }

  /// Inserts so many numbers that are not in the set yet.
  mutating func insertRandom(_ count: Int, from random: inout SplitMix64) {
    words.withUnsafeMutableBufferPointer { words in
      var missing = count
      while missing > 0 {
        let number = random.below(UInt64(bound))
        let (word, bit) = (Int(number &>> 6), 1 as UInt64 &<< (number & 63))
        missing -= words[word] & bit == 0 ? 1 : 0
        words[word] |= bit
      }
    }
  }

  /// Leaves just those in the set that are not in it.
  mutating func invert() {
    for index in words.indices { words[index] = ~words[index] }
    if bound & 63 != 0 { words[words.count - 1] &= 1 << UInt64(bound & 63) - 1 }
  }

  /// Calls `body` with each number in the set, in ascending order.
  func visit(_ body: (Int) -> Void) {
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        body(index << 6 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }
}
