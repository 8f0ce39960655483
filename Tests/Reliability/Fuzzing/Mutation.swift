// What is done to the bytes of a valid file.

import Kindred
import KindredVision

extension SplitMix64 {
  /// An integer in `0..<bound`, 0 where there is none.
  mutating func index(_ bound: Int) -> Int { bound > 0 ? Int(below(UInt64(bound))) : 0 }

  mutating func oneIn(_ bound: Int) -> Bool { index(bound) == 0 }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[index(choices.count)] }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

enum Mutation {
  /// Integers at which readers go wrong.
  static let integers: [UInt64] = [
    0, 1, 2, 7, 8, 15, 16, 127, 128, 255, 256, 1023, 4096, 32767, 65535, 65536, 1 << 24, 0x7fff_fffe, 0x7fff_ffff,
    0x8000_0000, 0xffff_fffe, 0xffff_ffff, 1 << 32, 1 << 40, 1 << 53, 1 << 60, 1 << 62, 0x7fff_ffff_ffff_fff8,
    0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0xffff_ffff_ffff_fff8, 0xffff_ffff_ffff_ffff,
  ]

  /// One to four changes.
  /// - Parameter other: a file whose parts may be put in.
  static func of(_ bytes: [UInt8], with other: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.index(4) { change(&bytes, other, &random) }
    return bytes
  }

  private static func change(_ bytes: inout [UInt8], _ other: [UInt8], _ random: inout SplitMix64) {
    guard !bytes.isEmpty else {
      bytes = random.bytes(random.index(16))
      return
    }
    let place = random.index(bytes.count)
    switch random.index(9) {
    case 0: bytes[place] ^= 1 << UInt8(random.index(8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: random.pick(integers))
    case 2: bytes.removeSubrange(place...)
    case 3: bytes.removeSubrange(range(from: place, in: bytes, &random))
    case 4: bytes.insert(contentsOf: bytes[range(from: place, in: bytes, &random)], at: place)
    case 5: bytes.insert(contentsOf: random.bytes(random.index(9)), at: place)
    case 6:
      let start = random.index(other.count)
      bytes.replaceSubrange(place..., with: other[min(start, other.count)...])
    case 7: bytes.insert(contentsOf: other[range(from: random.index(other.count), in: other, &random)], at: place)
    default: putInteger(&bytes, at: place, &random)
    }
  }

  private static func range(from place: Int, in bytes: [UInt8], _ random: inout SplitMix64) -> Range<Int> {
    let longest = random.oneIn(4) ? bytes.count : 32
    return place..<min(bytes.count, place + random.index(longest) + 1)
  }

  /// An integer of one to eight bytes, most often where a multiple of its size is.
  static func putInteger(_ bytes: inout [UInt8], at place: Int, _ random: inout SplitMix64) {
    let size = random.pick([1, 2, 4, 8])
    let start = random.oneIn(4) ? place : place / size * size
    var value = random.pick(integers)
    if random.oneIn(4) { value = UInt64(bytes.count) &+ UInt64(random.index(5)) &- 2 }
    let isBigEndian = random.oneIn(2)
    for index in 0..<size where start + index < bytes.count {
      let shift = 8 * (isBigEndian ? size - 1 - index : index)
      bytes[start + index] = UInt8(truncatingIfNeeded: value >> UInt64(shift))
    }
  }
}
