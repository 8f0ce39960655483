// The CIFAR readers on hand-made files, right and wrong ones.

import Foundation
import GoldenFiles
import Kindred
import TestSupport
import Testing

@testable import KindredVision

@Suite struct CIFARReaderTests {
  private let folder: TestFolder
  private let reader = CIFARReader(.cifar10, trainingRecords: 3, testRecords: 2)

  init() throws { folder = try TestFolder() }

  /// The value the hand-made files hold at a place.
  private func value(file: Int, record: Int, channel: Int, y: Int, x: Int) -> UInt8 {
    UInt8((file * 91 + record * 57 + channel * 101 + y * 7 + x * 3) % 256)
  }

  private func records(file: Int, labels: [[UInt8]]) -> [UInt8] {
    labels.enumerated().flatMap { record, label in
      label
        + (0..<3).flatMap { channel in
          (0..<32).flatMap { y in
            (0..<32).map { x in value(file: file, record: record, channel: channel, y: y, x: x) }
          }
        }
    }
  }

  private func writeTrainingFiles(under path: String) throws {
    for file in 1...5 {
      let labels = (0..<3).map { [UInt8((file + $0) % 10)] }
      try folder.write(records(file: file, labels: labels), to: "\(path)/data_batch_\(file).bin")
    }
  }

  @Test(arguments: ["cifar-10", "cifar-10/cifar-10-batches-bin", "cifar-10-batches-bin", "."])
  func planesBecomePixelsInEveryLayout(path: String) throws {
    try writeTrainingFiles(under: path)
    let set = try reader.load(.train, from: folder.url)
    #expect(set.count == 15)
    #expect(set.labels.map(Int.init) == (1...5).flatMap { file in (0..<3).map { (file + $0) % 10 } })
    for (index, at) in [(0, (1, 0)), (7, (3, 1)), (14, (5, 2))] {
      var expected: [UInt8] = []
      for y in 0..<32 {
        for x in 0..<32 {
          for channel in 0..<3 { expected.append(value(file: at.0, record: at.1, channel: channel, y: y, x: x)) }
        }
      }
      #expect(try set.image(at: index) == expected)
    }
  }

  @Test func hundredClassesUseTheFineLabel() throws {
    try folder.write(records(file: 0, labels: [[19, 99], [0, 1]]), to: "cifar-100/test.bin")
    let set = try CIFARReader(.cifar100, testRecords: 2).load(.test, from: folder.url)
    #expect(set.labels == [99, 1])
    #expect(set.classNames[99] == "worm")
    #expect(try set.image(at: 0)[1] == value(file: 0, record: 0, channel: 1, y: 0, x: 0))
  }

  @Test func truncatedFileIsNamedWithItsEnd() throws {
    let bytes = records(file: 0, labels: [[1], [2]])
    let file = try folder.write(Array(bytes[..<4_000]), to: "cifar-10/test_batch.bin")
    let message = try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
    #expect(
      message == "\(file.path): truncated: it ends within record 1 of 2, 6146 bytes expected (at byte 4000)")
  }

  @Test func longerFileIsRefused() throws {
    let bytes = records(file: 0, labels: [[1], [2], [3]])
    let file = try folder.write(bytes, to: "cifar-10/test_batch.bin")
    let message = try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
    #expect(message == "\(file.path): wrong size: 9219 bytes, 6146 expected (at byte 6146)")
  }

  @Test func badLabelIsNamedWithItsRecord() throws {
    let ten = try folder.write(records(file: 0, labels: [[9], [10]]), to: "cifar-10/test_batch.bin")
    let message = try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
    #expect(message == "\(ten.path): label 10 of record 1 is out of range, cifar-10 has 10 classes (at byte 3073)")

    let hundred = try folder.write(records(file: 0, labels: [[0, 0], [0, 100]]), to: "cifar-100/test.bin")
    let fine = try dataErrorMessage { _ = try CIFARReader(.cifar100, testRecords: 2).load(.test, from: folder.url) }
    #expect(
      fine == "\(hundred.path): label 100 of record 1 is out of range, cifar-100 has 100 classes (at byte 3075)")
  }

  @Test func missingFileSaysWhatWasLookedForAndWhatToDo() throws {
    let message = try dataErrorMessage { _ = try DataSet.cifar10.load(.test, from: folder.url) }
    #expect(message.contains("no test_batch.bin in \(folder.url.path)/cifar-10, "))
    #expect(message.contains("cifar-10-batches-bin"))
    #expect(message.contains("`kindred data get cifar-10` fetches it, or set KINDRED_DATA"))
    let nowhere = try dataErrorMessage { _ = try DataSet.cifar100.load(.train, from: nil) }
    #expect(nowhere.contains("`kindred data get cifar-100`"))
  }

  @Test func folderInPlaceOfFileIsRefused() throws {
    try folder.write([], to: "cifar-10/test_batch.bin/inside")
    let message = try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
    #expect(message.hasSuffix("test_batch.bin: not a plain file"))
  }
}

/// The archives for Python: pickles, which are programs where they want to be.
@Suite struct CIFARPickleTests {
  private static let ten = CIFARReader(.cifar10, trainingRecords: 1, testRecords: 2)
  private static let hundred = CIFARReader(.cifar100, trainingRecords: 1, testRecords: 2)
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func golden(_ form: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: try Golden.file("cifar-\(form)", "pickle")))
  }

  /// The binary file of the same two records.
  private func binary(labels: [[UInt8]]) -> [UInt8] {
    labels.enumerated().flatMap { record, label in
      label
        + (0..<3072).map { UInt8((57 * record + 101 * ($0 / 1024) + 7 * ($0 / 32 % 32) + 3 * ($0 % 32)) % 256) }
    }
  }

  /// Both of the authors' layouts are the same images, wherever the folder lies.
  @Test(arguments: ["python2", "protocol0", "protocol4"]) func bothLayoutsAreTheSame(form: String) throws {
    let cases = [
      (Self.ten, "test_batch", "cifar-10-batches-py", [[3], [9]] as [[UInt8]]),
      (Self.hundred, "test", "cifar-100-python", [[19, 99], [0, 1]]),
    ]
    for (reader, file, archive, labels) in cases {
      let other = try TestFolder()
      try other.write(binary(labels: labels), to: "\(reader.name)/\(file).bin")
      let expected = try reader.load(.test, from: other.url)
      for place in [archive, "\(reader.name)/\(archive)", reader.name, "."] {
        let root = try TestFolder()
        try root.write(try golden(form), to: "\(place)/\(file)")
        let read = try reader.load(.test, from: root.url)
        #expect(read.fingerprint == expected.fingerprint && read.classNames == expected.classNames, "\(place)")
        #expect(read.labels.map(Int.init) == labels.map { Int($0.last ?? 0) })
      }
    }
  }

  @Test func aFolderOfTheSameNameIsNoPickle() throws {
    try folder.write([1], to: "test/cat/1.png")
    let message = try dataErrorMessage { _ = try Self.hundred.load(.test, from: folder.url) }
    #expect(message.contains("no test.bin in \(folder.url.path)/cifar-100, "))
  }

  @Test func partOfASetIsNamed() throws {
    try folder.write([1], to: "cifar-10-batches-py/data_batch_1")
    let message = try dataErrorMessage { _ = try Self.ten.load(.train, from: folder.url) }
    #expect(
      message.hasPrefix(
        "cifar-10: no data_batch_2 in \(folder.url.path)/cifar-10-batches-py, which has others of its files; "))
  }

  @Test(arguments: [
    ("cos\nsystem\n(S'true'\ntR.", "asks for os.system: not read (at byte 0)"),
    ("]}a.", "holds a list, a dict expected"), ("}.", "'labels' is missing, a list of 2 expected"),
    ("}(U\u{6}labels](K\u{3}eu.", "'labels' is a list of 1, a list of 2 expected"),
    ("}(U\u{6}labels](K\u{3}K\neu.", "label 10 of record 1 is out of range, cifar-10 has 10 classes"),
    ("}(U\u{6}labels](K\u{3}Neu.", "the label of record 1 is out of range, cifar-10 has 10 classes"),
    (
      "}(U\u{6}labels](K\u{3}K\u{3}eU\u{4}data]u.",
      "'data' is a list of 0, an array of 2 x 3072 bytes expected"
    ),
    ("", "is an empty file, no pickle; copy or download it again"),
    ("<!DOCTYPE html>", "is a web page (HTML), no pickle; download the file itself"),
    ("]", "truncated (at byte 1)"),
  ]) func whatIsNoBatchIsRefused(content: String, problem: String) throws {
    let file = try folder.write(content.unicodeScalars.map { UInt8($0.value) }, to: "cifar-10-batches-py/test_batch")
    let message = try dataErrorMessage { _ = try Self.ten.load(.test, from: folder.url) }
    #expect(message == "\(file.path): \(problem)")
  }

  /// Whatever a flipped byte makes of a file, it is read or refused, and never as another number of images.
  @Test func damagedPicklesNeverTrap() throws {
    var random = SplitMix64(state: 7)
    for form in ["python2", "protocol0", "protocol4"] {
      let whole = try golden(form)
      for _ in 0..<100 {
        var damaged = whole
        // The planes are nearly all of a file; what is around them is what matters.
        damaged[Int(random.below(UInt64(min(400, whole.count))))] = UInt8(random.below(256))
        try folder.write(damaged, to: "cifar-10-batches-py/test_batch")
        if let set = try? Self.ten.load(.test, from: folder.url) { #expect(set.count == 2) }
      }
    }
  }

  @Test func otherArraysAreRefused() throws {
    // The array's type, `u1`, becomes `i1`.
    let bytes = try golden("python2")
    let type = try #require(Data(bytes).range(of: Data("U\u{2}u1".utf8)))
    var other = bytes
    other[type.lowerBound + 2] = UInt8(ascii: "i")
    try folder.write(other, to: "cifar-10-batches-py/test_batch")
    let message = try dataErrorMessage { _ = try Self.ten.load(.test, from: folder.url) }
    #expect(message.hasSuffix("test_batch: 'data' is another array, an array of 2 x 3072 bytes expected"))
  }
}
