// SVHN's files of MATLAB arrays: damaged as they are, and put together with heads that are wrong further inside.

import CZlib
import Foundation
import Kindred
import KindredVision

struct MATLABInputs: FuzzedReader {
  private static let images = 2
  private let folder: URL
  private let reader = SVHNReader(trainingImages: 1, testImages: MATLABInputs.images)
  private let pixels: [UInt8]

  init(_ folder: URL) throws {
    self.folder = folder
    var random = SplitMix64(state: 1)
    pixels = random.bytes(MATLABInputs.images * 3072)
  }

  var expectedBytes: Int { MATLABInputs.images * 3072 }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    let labels: [UInt8] = [10, 3]
    let variables = [
      Variable(name: "X", dimensions: [32, 32, 3, MATLABInputs.images], numbers: pixels),
      Variable(name: "y", dimensions: [MATLABInputs.images, 1], numbers: labels),
    ]
    var bytes = Array("MATLAB 5.0 MAT-file".utf8)
    bytes += [UInt8](repeating: 32, count: 124 - bytes.count) + [0, 1, UInt8(ascii: "I"), UInt8(ascii: "M")]
    let changed = random.index(3)
    for (place, variable) in variables.enumerated() {
      var variable = variable
      if place == changed { variable.change(&random) }
      bytes += variable.bytes(isCompressed: !random.oneIn(4), isChanged: place == changed && random.oneIn(2), &random)
    }
    if random.oneIn(4) { bytes = Mutation.of(bytes, with: bytes, &random) }
    return [InputFile(name: "test_32x32.mat", bytes: bytes)]
  }

  func read() throws { _ = try reader.load(.test, from: folder) }
}

/// An array with its head, whose lengths fit unless they are changed.
private struct Variable {
  var name: String
  var dimensions: [Int]
  var numbers: [UInt8]
  var type: UInt8 = 2
  var flags: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0]

  init(name: String, dimensions: [Int], numbers: [UInt8]) {
    (self.name, self.dimensions, self.numbers) = (name, dimensions, numbers)
  }

  mutating func change(_ random: inout SplitMix64) {
    switch random.index(5) {
    case 0: name = random.pick(["", "y", "X", String(repeating: "x", count: random.index(200))])
    case 1:
      let value = Int(truncatingIfNeeded: random.pick(Mutation.integers))
      if random.oneIn(2) { dimensions.append(value) } else { dimensions[random.index(dimensions.count)] = value }
    case 2: type = UInt8(random.index(20))
    case 3: flags = Mutation.of(flags, with: flags, &random)
    default: numbers = Mutation.of(numbers, with: numbers, &random)
    }
  }

  /// - Parameter isChanged: whether bytes of the head are, before they are compressed.
  func bytes(isCompressed: Bool, isChanged: Bool, _ random: inout SplitMix64) -> [UInt8] {
    let sizes = dimensions.flatMap { word($0) }
    let content = element(6, flags) + element(5, sizes) + element(1, Array(name.utf8)) + element(type, numbers)
    var whole = word(14) + word(content.count) + content
    if isChanged {
      var head = Array(whole.prefix(80))
      if random.oneIn(2) {
        Mutation.putInteger(&head, at: random.index(80), &random)
      } else {
        head = Mutation.of(head, with: whole, &random)
      }
      whole = head + whole.dropFirst(80)
    }
    guard isCompressed else { return whole }
    let stream = deflated(random.oneIn(200) ? whole + [UInt8](repeating: 0, count: 5_000_000) : whole)
    return word(15) + word(stream.count) + stream
  }

  /// Small ones stand in their tag.
  private func element(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
    guard content.count > 4 || content.isEmpty else {
      return [type, 0, UInt8(content.count), 0] + content + [UInt8](repeating: 0, count: 4 - content.count)
    }
    return word(Int(type)) + word(content.count) + content + [UInt8](repeating: 0, count: -content.count & 7)
  }

  private func word(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian) { Array($0) }
  }

  private func deflated(_ content: [UInt8]) -> [UInt8] {
    var count = compressBound(UInt(content.count)) + 16
    var output = [UInt8](repeating: 0, count: Int(count))
    let status = compress2(&output, &count, content, UInt(content.count), 1)
    precondition(status == Z_OK, "zlib compresses what fits")
    return Array(output.prefix(Int(count)))
  }
}
