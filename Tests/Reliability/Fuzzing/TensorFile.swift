// A safetensors file in parts, so that a changed header still gets past the first checks.

import CZlib
import Foundation
import Kindred
import KindredVision

struct TensorFile {
  var header: JSONTree
  var body: [UInt8]

  init(_ bytes: [UInt8]) throws {
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    header = try JSONTree(Data(bytes[8..<8 + length]))
    body = Array(bytes[(8 + length)...])
  }

  private init(header: JSONTree, body: [UInt8]) { (self.header, self.body) = (header, body) }

  var bytes: [UInt8] { TensorFile.framed(Array(header.text.utf8)) + body }

  private static func framed(_ header: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
  }

  /// The file with its bytes, its header or both changed, or another file that is valid and unlike any that people have.
  func mutated(_ random: inout SplitMix64) -> [UInt8] {
    var file = self
    switch random.index(6) {
    case 0: return Mutation.of(bytes, with: bytes, &random)
    case 1, 2: for _ in 0...random.index(3) { file.header.mutate(&random) }
    case 3: file.mutateEntries(&random)
    case 4: file = .odd(&random)
    default:
      let text = Array(file.header.text.utf8)
      return TensorFile.framed(Mutation.of(text, with: text, &random)) + body
    }
    if random.oneIn(8) { file.body = Mutation.of(file.body, with: file.body, &random) }
    return file.bytes
  }

  /// Other types and shapes of as many bytes, so that only whoever wants this very tensor can refuse it.
  private mutating func mutateEntries(_ random: inout SplitMix64) {
    guard case .object(var fields) = header else { return }
    for index in fields.indices where fields[index].key != "__metadata__" && random.oneIn(3) {
      let offsets = (fields[index].value["data_offsets"]?.text ?? "").dropFirst().dropLast().split(separator: ",")
      guard let first = offsets.first.flatMap({ Int($0) }), let last = offsets.last.flatMap({ Int($0) }) else {
        continue
      }
      let (type, size) = random.pick(TensorFile.types)
      let count = (last - first) / size
      let shape = random.pick([[count], [1, count], [count, 1, 1, 1], [count / 2, 2], [0], [0, count], []])
      fields[index].value["dtype"] = .string(type)
      fields[index].value["shape"] = .list(shape.map { .raw("\($0)") })
    }
    header = .object(fields)
  }

  private static let types = [
    ("U8", 1), ("I8", 1), ("BOOL", 1), ("I16", 2), ("F16", 2), ("BF16", 2), ("I32", 4), ("F32", 4), ("I64", 8),
    ("F64", 8),
  ]

  /// A few tensors that fit their bytes: of no elements, of many axes, of lengths that only a zero beside them allows.
  private static func odd(_ random: inout SplitMix64) -> TensorFile {
    var fields: [(key: String, value: JSONTree)] = []
    var end = 0
    for index in 0..<random.index(8) {
      let (type, size) = random.pick(types)
      var shape = (0..<random.index(6)).map { _ in random.pick([0, 1, 1, 2, 3, 7, 31]) }
      if random.oneIn(4) {
        shape = [0] + (0...random.index(4)).map { _ in random.pick([1 << 20, 1 << 31, 1 << 62, .max]) }
      }
      if random.oneIn(50) { shape = Array(repeating: 1, count: random.pick([64, 65, 1000, 20_000])) }
      let bytes = shape.contains(0) ? 0 : shape.reduce(size, *)
      guard bytes <= 1 << 16 else { continue }
      let entry: [(key: String, value: JSONTree)] = [
        (key: "dtype", value: .string(type)), (key: "shape", value: .list(shape.map { .raw("\($0)") })),
        (key: "data_offsets", value: .list([.raw("\(end)"), .raw("\(end + bytes)")])),
      ]
      fields.append((key: random.oneIn(3) ? random.pick(JSONTree.strings) : "\(index)", value: .object(entry)))
      end += bytes
    }
    return TensorFile(header: .object(fields), body: random.bytes(end))
  }

  /// Gives every tensor the checksum of its bytes in the metadata, as a recording's shards have it.
  mutating func fixChecksums() {
    guard case .object(let fields) = header else { return }
    var sums: [(key: String, value: JSONTree)] = []
    for (name, entry) in fields where name != "__metadata__" {
      guard case .list(let offsets)? = entry["data_offsets"], offsets.count == 2, let first = Int(offsets[0].text),
        let last = Int(offsets[1].text), first >= 0, first <= last, last <= body.count
      else { continue }
      sums.append((key: name, value: .string(checksum(of: body[first..<last]))))
    }
    header["__metadata__"] = .object(sums)
  }
}

/// CRC-32 as eight hexadecimal digits.
func checksum(of bytes: ArraySlice<UInt8>) -> String {
  String(format: "%08x", bytes.withUnsafeBufferPointer { UInt32(crc32_z(0, $0.baseAddress, $0.count)) })
}
