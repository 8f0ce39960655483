// The IDX readers on hand-made files, right, damaged and hostile ones.

import Foundation
import Kindred
import TestSupport
import Testing

@testable import KindredVision

@Suite struct IDXReaderTests {
  private let folder: TestFolder
  private let reader = IDXReader(.fashionMNIST, trainingRecords: 4, testRecords: 3)
  private let images: [UInt8]
  private let labels: [UInt8]
  private let pixels = noiseBytes(3 * 28 * 28)

  init() throws {
    folder = try TestFolder()
    images = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28] + pixels
    labels = [0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9]
  }

  private func load() throws -> ImageSet { try reader.load(.test, from: folder.url) }

  private func write(images: [UInt8], labels: [UInt8]) throws {
    try folder.write(images, to: "fashion-mnist/t10k-images-idx3-ubyte")
    try folder.write(labels, to: "fashion-mnist/t10k-labels-idx1-ubyte")
  }

  private func writeCompressed(images: [UInt8]) throws {
    try folder.write(images, to: "fashion-mnist/t10k-images-idx3-ubyte.gz")
    try folder.write(labels, to: "fashion-mnist/t10k-labels-idx1-ubyte")
  }

  @Test func plainAndCompressedFilesAreTheSame() throws {
    try writeCompressed(images: gzip(images, in: folder))
    let compressed = try load()
    try write(images: images, labels: labels)
    let plain = try load()
    for set in [compressed, plain] {
      #expect(set.allPixels == pixels)
      #expect(set.labels == [7, 0, 9])
      #expect((set.width, set.height, set.channels) == (28, 28, 1))
    }
    #expect(plain.classNames[7] == "sneaker")
  }

  @Test func wrongHeadersAreNamed() throws {
    let changes: [(at: Int, to: UInt8, says: String)] = [
      (2, 9, "wrong magic number: 2307, 2051 expected (at byte 0)"),
      (7, 4, "wrong number of records: 4, 3 expected (at byte 4)"),
      (11, 29, "wrong image size: 29, 28 expected (at byte 8)"),
      (12, 255, "wrong image size: 4278190108, 28 expected (at byte 12)"),
    ]
    for change in changes {
      var damaged = images
      damaged[change.at] = change.to
      try write(images: damaged, labels: labels)
      #expect(try dataErrorMessage { _ = try load() }.hasSuffix("t10k-images-idx3-ubyte: \(change.says)"))
    }
  }

  @Test func truncatedAndLongerFilesAreRefused() throws {
    try write(images: Array(images.dropLast(785)), labels: labels)
    #expect(
      try dataErrorMessage { _ = try load() }.hasSuffix(
        "truncated: it ends within record 1 of 3, 2368 bytes expected (at byte 1583)"))
    try write(images: images + [0], labels: labels)
    #expect(try dataErrorMessage { _ = try load() }.hasSuffix("wrong size: 2369 bytes, 2368 expected (at byte 2368)"))
    try write(images: [0, 0, 8], labels: labels)
    #expect(try dataErrorMessage { _ = try load() }.hasSuffix("truncated within its header (at byte 3)"))
  }

  @Test func badLabelIsNamedWithItsRecord() throws {
    try write(images: images, labels: Array(labels.dropLast()) + [10])
    #expect(
      try dataErrorMessage { _ = try load() }.hasSuffix(
        "t10k-labels-idx1-ubyte: label 10 of record 2 is out of range, fashion-mnist has 10 classes (at byte 10)"))
  }

  @Test func compressedStreamCutAnywhereIsRefused() throws {
    let whole = try gzip(images, in: folder)
    for length in stride(from: 0, to: whole.count, by: 97) {
      try writeCompressed(images: Array(whole[..<length]))
      #expect(
        try dataErrorMessage { _ = try load() }.hasSuffix(
          "truncated: the compressed stream does not end (at byte \(length))"))
    }
    try writeCompressed(images: whole + [1, 2])
    #expect(
      try dataErrorMessage { _ = try load() }.hasSuffix("2 bytes follow the compressed stream (at byte \(whole.count))")
    )
  }

  @Test func damagedStreamNeverYieldsOtherPixels() throws {
    let whole = try gzip(images, in: folder)
    var random = SplitMix64(state: 3)
    for _ in 0..<200 {
      var damaged = whole
      damaged[Int(random.below(UInt64(whole.count)))] ^= UInt8(1 << random.below(8))
      try writeCompressed(images: damaged)
      // Some bits, such as those of the time stamp, do not matter; all others must be noticed.
      if let set = try? load() { #expect(set.allPixels == pixels) }
    }
  }

  @Test func bombIsStoppedAtTheExpectedSize() throws {
    try writeCompressed(images: gzip([UInt8](repeating: 0, count: 50_000_000), in: folder))
    #expect(try dataErrorMessage { _ = try load() }.contains("holds more than the 2368 bytes expected"))
  }

  @Test func missingFileSaysWhatWasLookedFor() throws {
    let message = try dataErrorMessage { _ = try DataSet.mnist.load(.train, from: folder.url) }
    #expect(message.contains("no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in \(folder.url.path)/mnist;"))
    #expect(message.contains("`kindred data get mnist`"))
  }

  /// torchvision's folders, the set's own and a bare one: with all of their files in one place.
  @Test(arguments: ["FashionMNIST/raw", "fashion-mnist/FashionMNIST/raw", "raw", "."])
  func everyLayoutIsFound(path: String) throws {
    try folder.write(images, to: "\(path)/t10k-images-idx3-ubyte")
    try folder.write(Array(labels.dropLast()), to: "fashion-mnist/t10k-labels-idx1-ubyte")
    try folder.write(gzip(labels, in: folder), to: "\(path)/t10k-labels-idx1-ubyte.gz")
    let set = try load()
    #expect(set.allPixels == pixels && set.labels == [7, 0, 9])
  }

  /// The files of both sets have the same names and sizes.
  @Test func theOtherSetIsNoticed() throws {
    let digits: [UInt8] = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    let reader = IDXReader(.fashionMNIST, testRecords: 10)
    try folder.write(
      [0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28] + noiseBytes(7840), to: "raw/t10k-images-idx3-ubyte")
    let file = try folder.write([0, 0, 8, 1, 0, 0, 0, 10] + digits, to: "raw/t10k-labels-idx1-ubyte")
    let message = try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
    #expect(message == "\(file.path): these are the labels of mnist, not of fashion-mnist")
  }

  /// A page or a pointer that a download left under a file's name.
  @Test func strangersAreNamed() throws {
    let page = [UInt8]("<!DOCTYPE html><html></html>".utf8)
    try writeCompressed(images: page)
    #expect(
      try dataErrorMessage { _ = try load() }.hasSuffix(
        "t10k-images-idx3-ubyte.gz: is a web page (HTML), no file of images or labels; download the file itself"))
    try write(images: page, labels: labels)
    #expect(try dataErrorMessage { _ = try load() }.contains("t10k-images-idx3-ubyte: is a web page (HTML), "))
    try folder.write([UInt8]("version https://git-lfs.github.com/spec/v1".utf8), to: "cifar-10/test_batch.bin")
    let pointer = try dataErrorMessage { _ = try DataSet.cifar10.load(.test, from: folder.url) }
    #expect(pointer.hasSuffix("is a git-lfs pointer, no file of images or labels; run git lfs pull"))
  }

  @Test func aFolderThatIsNoneIsSaidSo() throws {
    let file = try folder.write([1], to: "a.txt")
    for (place, problem) in [
      (file, "\(file.path) is no folder"),
      (folder.url.appending(path: "none"), "there is no folder \(folder.url.path)/none"),
    ] {
      let message = try dataErrorMessage { _ = try reader.load(.test, from: place) }
      #expect(message.hasPrefix("fashion-mnist: \(problem); `kindred data get fashion-mnist` fetches it"), "\(message)")
    }
  }
}
