// Data sets as they come from the network: IDX, plain and compressed, and CIFAR's binary files.

import Foundation
import Kindred
import KindredVision

struct IDXInputs: FuzzedReader {
  private let folder: URL
  private let reader = IDXReader(.mnist, trainingRecords: 2, testRecords: 2)
  private let images: [UInt8]
  private let labels: [UInt8]

  init(_ folder: URL) throws {
    self.folder = folder
    try FileManager.default.createDirectory(
      at: folder.appending(path: "mnist"), withIntermediateDirectories: true)
    var random = SplitMix64(state: 1)
    images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28] + random.bytes(2 * 784)
    labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 3]
  }

  var expectedBytes: Int { images.count + labels.count }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var parts = [("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)]
    for index in parts.indices where random.oneIn(2) { mutate(&parts[index].1, &random) }
    return parts.map { name, bytes in
      guard random.oneIn(3) else { return InputFile(name: "mnist/train-\(name)", bytes: bytes) }
      var packed = Gzipped(bytes, &random).bytes
      if random.oneIn(3) { packed = Mutation.of(packed, with: packed, &random) }
      return InputFile(name: "mnist/train-\(name).gz", bytes: packed)
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    switch random.index(3) {
    case 0: bytes = Mutation.of(bytes, with: images, &random)
    case 1: Mutation.putInteger(&bytes, at: random.index(16), &random)
    default:
      bytes =
        random.oneIn(2) ? bytes + random.bytes(random.index(3000)) : Array(bytes.prefix(random.index(bytes.count)))
    }
  }

  func read() throws { _ = try reader.load(.train, from: folder) }
}

struct CIFARInputs: FuzzedReader {
  private let folder: URL
  private let sets = [
    (CIFARReader(.cifar10, testRecords: 2), "cifar-10/test_batch.bin"),
    (CIFARReader(.cifar100, testRecords: 2), "cifar-100/test.bin"),
  ]
  private let templates: [[UInt8]]

  init(_ folder: URL) throws {
    self.folder = folder
    for name in ["cifar-10", "cifar-100"] {
      try FileManager.default.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    var random = SplitMix64(state: 1)
    let planes = (0..<2).map { _ in random.bytes(3072) }
    templates = [[7] + planes[0] + [3] + planes[1], [0, 99] + planes[0] + [19, 7] + planes[1]]
  }

  var expectedBytes: Int { 2 * templates[1].count }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    zip(sets, templates).map { set, template in
      var bytes = template
      switch random.index(4) {
      case 0: bytes = Mutation.of(template, with: templates[0], &random)
      case 1: bytes[random.pick([0, 1, template.count / 2, template.count / 2 + 1])] = UInt8(random.index(256))
      case 2: bytes = Array(bytes.prefix(random.index(bytes.count + 1)))
      default: bytes += random.bytes(random.index(3) * random.index(3074))
      }
      return InputFile(name: set.1, bytes: bytes)
    }
  }

  /// Both are read, also where the first is refused.
  func read() throws {
    let first = Result { try sets[0].0.load(.test, from: folder) }
    _ = try sets[1].0.load(.test, from: folder)
    _ = try first.get()
  }
}
