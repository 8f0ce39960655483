// Archives of images in WebDataset's form, with long names in both forms, and heads whose sum fits what is wrong in them.

import Foundation
import Kindred
import KindredVision

struct TarInputs: FuzzedReader {
  private let file: URL

  init(_ folder: URL) throws { file = folder.appending(path: "input.tar") }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    let long = String(repeating: "folder/", count: 1 + random.index(40)) + "0002"
    var entries = [
      Entry("0001.jpg", random.bytes(random.index(1200))), Entry("0001.cls", Array("7".utf8)),
      Entry("././@LongLink", Array("\(long).png".utf8) + [0], type: "L"), Entry("short", random.bytes(20)),
      Entry("pax", attributes("\(long).json"), type: "x"), Entry("short", Array(#"{"label": 3}"#.utf8)),
    ]
    if random.oneIn(2) { entries[random.index(entries.count)].change(&random) }
    var bytes = entries.flatMap { $0.bytes } + [UInt8](repeating: 0, count: 1024)
    switch random.index(4) {
    case 0: bytes = Mutation.of(bytes, with: bytes, &random)
    case 1: bytes = Array(bytes.prefix(random.index(bytes.count + 1)))
    default: break
    }
    return [InputFile(name: "input.tar", bytes: bytes)]
  }

  private func attributes(_ path: String) -> [UInt8] {
    let line = " path=\(path)\n"
    let length = line.utf8.count + 2
    return Array("\(length < 100 ? length : length + 1)\(line)".utf8)
  }

  /// Finds the images and reads each of them.
  func read() throws {
    let images = try ListedImages(file)
    for index in 0..<images.count { _ = try images.bytes(at: index) }
  }
}

/// A file of an archive and the 512 bytes before it.
private struct Entry {
  private var header = [UInt8](repeating: 0, count: 512)
  private var content: [UInt8]
  private var hasItsSum = true

  init(_ name: String, _ content: [UInt8], type: Character = "0") {
    self.content = content
    put(name, at: 0, 100)
    put(octal(content.count, 11), at: 124, 12)
    put(String(type), at: 156, 1)
    put("ustar", at: 257, 6)
  }

  var bytes: [UInt8] {
    var header = header
    if hasItsSum {
      let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
      header.replaceSubrange(148..<155, with: Array((octal(sum, 6) + "\0").utf8))
    }
    return header + content + [UInt8](repeating: 0, count: -content.count & 511)
  }

  mutating func change(_ random: inout SplitMix64) {
    switch random.index(6) {
    case 0:
      // A size beyond octal digits, big-endian.
      let size = random.pick(Mutation.integers)
      let digits = (0..<8).map { UInt8(truncatingIfNeeded: size >> UInt64(56 - 8 * $0)) }
      header.replaceSubrange(124..<136, with: [random.pick([0x80, 0xff, 0x81]), 0, 0, 0] + digits)
    case 1: put(octal(Int(truncatingIfNeeded: random.pick(Mutation.integers) >> 1), 11), at: 124, 12)
    case 2: header[156] = UInt8(random.index(256))
    case 3: header[random.index(512)] = UInt8(random.index(256))
    case 4: content = Mutation.of(content, with: content, &random)
    default:
      header[random.index(512)] ^= 1
      hasItsSum = false
    }
  }

  private mutating func put(_ text: String, at place: Int, _ length: Int) {
    let bytes = Array(text.utf8.prefix(length))
    header.replaceSubrange(place..<place + length, with: bytes + [UInt8](repeating: 0, count: length - bytes.count))
  }

  private func octal(_ number: Int, _ digits: Int) -> String {
    let text = String(number, radix: 8)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }
}
