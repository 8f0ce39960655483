// Random numbers for what is no tensor, such as the data's order: integer arithmetic only, so every machine draws the same.

/// Steele, Lea and Flood's SplitMix64: a counter that is mixed into each output.
///
/// Small, fast, and fully specified, unlike the system's generator. Keys of several numbers select independent
/// streams, which makes it a counter-based hash as well: the same key always begins the same stream.
package struct SplitMix64: RandomNumberGenerator, Sendable, Equatable {
  @usableFromInline var state: UInt64

  /// A stream that starts from a state as it stands.
  @inlinable package init(state: UInt64) { self.state = state }

  /// A stream of its own for each key; the order of the numbers matters.
  @inlinable package init(key: UInt64...) {
    state = key.reduce(0) { SplitMix64.mix(($0 &+ 0x9e37_79b9_7f4a_7c15) ^ SplitMix64.mix($1)) }
  }

  /// The stream's next 64 random bits.
  @inlinable package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return SplitMix64.mix(state)
  }

  /// An integer in `0..<bound`, each equally likely: Lemire's multiplication with rejection.
  @inlinable package mutating func below(_ bound: UInt64) -> UInt64 {
    precondition(bound > 0, "the bound of a random number must be positive")
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return product.high
  }

  /// A number in `0..<1`, a multiple of 2^-53.
  @inlinable package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number in `range`, its end excluded.
  @inlinable package mutating func uniform(_ range: Range<Double>) -> Double {
    range.lowerBound + unit() * (range.upperBound - range.lowerBound)
  }

  /// True with the given probability.
  @inlinable package mutating func chance(_ probability: Double) -> Bool { unit() < probability }

  @inlinable static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
