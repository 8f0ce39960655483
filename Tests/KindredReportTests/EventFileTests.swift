// The frame of TensorBoard's records, whose checksums are published ones.

import Foundation
import KindredReport
import Testing

@Suite struct EventFileTests {
  /// The check value of the CRC catalogue, and RFC 3720's examples (B.4).
  @Test func checksums() {
    #expect(RecordFraming.crc32C(Data("123456789".utf8)) == 0xE306_9283)
    #expect(RecordFraming.crc32C(Data(repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(RecordFraming.crc32C(Data(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(RecordFraming.crc32C(Data(0..<32)) == 0x46DD_794E)
    #expect(RecordFraming.crc32C(Data()) == 0)
  }

  @Test func aRecordIsFramedByLengthAndChecksums() {
    let framed = RecordFraming.framed(Data("123456789".utf8))
    #expect(framed.count == 8 + 4 + 9 + 4)
    #expect(Array(framed.prefix(8)) == [9, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(framed[12..<21]) == Array("123456789".utf8))
    // 0xE3069283 turned right by 15 bits is 0x2507C60D, and 0xA282EAD8 more is 0xC78AB0E5.
    #expect(Array(framed.suffix(4)) == [0xE5, 0xB0, 0x8A, 0xC7])
  }

  @Test func eachStartHasAFileBehindTheOthers() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindred-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for _ in 0..<2 { try EventFile(in: folder, from: 1).append(["loss": 1], step: 1) }
    try Data().write(to: folder.appending(path: "events.out.tfevents."))
    try Data().write(to: folder.appending(path: "events.out.tfevents.1700000000.other"))
    _ = try EventFile(in: folder, from: 2)
    #expect(
      EventFile.all(in: folder).map(\.lastPathComponent).filter { $0.hasSuffix(".kindred") } == [
        "events.out.tfevents.0000000001.kindred", "events.out.tfevents.0000000002.kindred",
        "events.out.tfevents.1700000001.kindred",
      ])
  }
}
