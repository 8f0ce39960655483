// The CIFAR readers on hand-made files, right and wrong ones.

import Foundation
import Testing

@testable import KindredVision

@Suite struct CIFARReaderTests {
  private let folder: TemporaryFolder
  private let reader = CIFARReader(.cifar10, trainingRecords: 3, testRecords: 2)

  init() throws { folder = try TemporaryFolder() }

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

  @Test(arguments: ["cifar-10", "cifar-10/cifar-10-batches-bin", "cifar-10-batches-bin"])
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
      #expect(Array(set.image(at: index)) == expected)
    }
  }

  @Test func hundredClassesUseTheFineLabel() throws {
    try folder.write(records(file: 0, labels: [[19, 99], [0, 1]]), to: "cifar-100/test.bin")
    let set = try CIFARReader(.cifar100, testRecords: 2).load(.test, from: folder.url)
    #expect(set.labels == [99, 1])
    #expect(set.classNames[99] == "worm")
    #expect(set.image(at: 0)[1] == value(file: 0, record: 0, channel: 1, y: 0, x: 0))
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
    let message = try dataErrorMessage { _ = try DataSetName.cifar10.load(.test, from: folder.url) }
    #expect(message.contains("no test_batch.bin in \(folder.url.path)/cifar-10, "))
    #expect(message.contains("cifar-10-batches-bin"))
    #expect(message.contains("`kindred data get cifar-10` fetches it, or set KINDRED_DATA"))
    let nowhere = try dataErrorMessage { _ = try DataSetName.cifar100.load(.train, from: nil) }
    #expect(nowhere.contains("`kindred data get cifar-100`"))
  }

  @Test func folderInPlaceOfFileIsRefused() throws {
    try folder.write([], to: "cifar-10/test_batch.bin/inside")
    let message = try dataErrorMessage { _ = try reader.load(.test, from: folder.url) }
    #expect(message.hasSuffix("test_batch.bin: not a plain file"))
  }
}
