// Exported networks: the archive alone, which is looked at before any program in it is run.

import Foundation
import GoldenFiles
import Kindred
import KindredVision
import Torch

struct ArchiveInputs: FuzzedReader {
  private let file: URL
  private let script: [UInt8]

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.pt2")
    script = Array(try Data(contentsOf: Golden.file("teacher", "pt")))
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var bytes = random.oneIn(3) ? script : ArchiveInputs.package(&random)
    switch random.index(4) {
    case 0: bytes = Mutation.of(bytes, with: script, &random)
    case 1, 2: for _ in 0...random.index(3) { ArchiveInputs.changeField(&bytes, &random) }
    default: break
    }
    return [InputFile(name: "input.pt2", bytes: bytes)]
  }

  func read() throws {
    let archive = try ExportedArchive(file)
    if case .package(let model) = archive.content { try archive.checkMachine(of: model, for: .cpu) }
  }

  /// Something that looks like a package, with the names that matter in every disorder.
  private static func package(_ random: inout SplitMix64) -> [UInt8] {
    var archive = Archive()
    if !random.oneIn(10) { archive.add("top/version", Array("3".utf8)) }
    for _ in 0..<random.index(6) {
      let name = random.pick(names)
      var json = JSONTree.object([
        (key: "AOTI_DEVICE_KEY", value: .string(random.pick(["cpu", "cuda", ""]))),
        (key: "AOTI_CPU_ISA", value: .string(random.pick(["AVX2", "AVX512", "AMX_TILE", "NOSUCH"]))),
      ])
      if random.oneIn(3) { json.mutate(&random) }
      if name.hasSuffix("json"), random.oneIn(20) {
        archive.addBomb("top/\(name)")
      } else {
        archive.add("top/\(name)", name.hasSuffix("json") ? Array(json.text.utf8) : random.bytes(random.index(64)))
      }
    }
    return archive.bytes
  }

  private static let names = [
    "constants.pkl", "data.pkl", "data/aotinductor/model/a.so", "data/aotinductor/model/a_metadata.json",
    "data/aotinductor/other/b.so", "data/aotinductor//.so", "data/aotinductor/model/", ".data/serialization_id",
    "byteorder", "../../x", "a\nb", "", "é", String(repeating: "d/", count: 200), "data/aotinductor/model/b/c.so",
  ]

  /// An integer somewhere in one of the archive's own records.
  private static func changeField(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let places = bytes.indices.dropLast(3).filter { bytes[$0] == 0x50 && bytes[$0 + 1] == 0x4b && bytes[$0 + 2] < 9 }
    guard !places.isEmpty else { return }
    let place = random.pick(places) + 4 + random.index(46)
    guard place < bytes.count else { return }
    Mutation.putInteger(&bytes, at: place, &random)
  }
}
