// The safetensors format: files that Python wrote, files of our own, and hostile ones.

import Foundation
import GoldenFiles
import TestSupport
import Testing
import Torch

@Suite struct SafetensorsTests {
  /// A header as the format describes it, parsed here independently of the library.
  private struct RawEntry: Decodable {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }

  /// Python's files against a second, naive reading of their bytes; written again and read again, nothing changes.
  @Test(arguments: ["torch", "optimisers"])
  func pythonsFile(name: String) throws {
    let file = try Golden.file(name)
    let data = try Data(contentsOf: file)
    let length = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let header = try JSONDecoder().decode([String: RawEntry].self, from: data[8..<(8 + length)])
    try withTestFolder { folder in
      let copy = folder.appendingPathComponent("copy.safetensors")
      try Safetensors.write(Safetensors.read(file).tensors, to: copy)
      for tensors in [try Safetensors.read(file).tensors, try Safetensors.read(copy).tensors] {
        #expect(Set(tensors.keys) == Set(header.keys))
        for (name, entry) in header {
          let tensor = try #require(tensors[name])
          let bytes = data[(8 + length + entry.offsets[0])..<(8 + length + entry.offsets[1])]
          #expect(tensor.bytes() == Array(bytes) && tensor.shape == entry.shape, "\(name)")
          #expect(["F32": DType.float32, "F64": .float64, "I64": .int64][entry.dtype] == tensor.dtype, "\(name)")
        }
      }
    }
  }

  @Test func everyTypeAndShapeComesBack() throws {
    var tensors: [String: Tensor] = ["scalar": Tensor(-2.5), "empty": .zeros([3, 0, 2]), "a/b.c \"ä\"": .ones([1])]
    for dtype in DType.allCases { tensors["\(dtype)"] = Tensor([0, 1, 1, 0, 1] as [Double], shape: [5]).to(dtype) }
    let image = Generator(seed: 1).normal([2, 3, 4, 5])
    tensors["channels-last"] = image.contiguous(.channelsLast)
    let metadata = ["format": "pt", "note": "line\nbreak, \"quotes\", äöü"]
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("all.safetensors")
      try Safetensors.write(tensors, metadata: metadata, to: file)
      let read = try Safetensors.read(file)
      #expect(read.metadata == metadata)
      #expect(Set(read.tensors.keys) == Set(tensors.keys))
      for (name, tensor) in tensors {
        let other = try #require(read.tensors[name])
        #expect(other.dtype == tensor.dtype && other.shape == tensor.shape, "\(name)")
        #expect(other.bytes() == tensor.bytes(), "\(name)")
      }
      #expect(read.tensors["channels-last"]?.bytes() == image.bytes())
      let entry = try #require(try Safetensors.entries(of: file)["channels-last"])
      #expect(entry.dtype == .float32 && entry.shape == [2, 3, 4, 5] && entry.range.count == 480)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["all.safetensors"])
    }
  }

  /// The same tensors always make the same bytes: checkpoints are compared by them.
  @Test func encodingIsDeterministic() throws {
    let names = (0..<50).map { "tensor.\($0)" }
    let encoded = try [names, names.reversed()].map { names in
      try Safetensors.encode(Dictionary(uniqueKeysWithValues: names.map { ($0, Tensor(Double($0.count))) }))
    }
    #expect(encoded[0] == encoded[1])
    let length = encoded[0].prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    #expect(length % 8 == 0)
  }

  /// An empty tensor may stand at the same offset as the one after it, under any name.
  @Test func emptyTensorBeforeAnother() throws {
    let header =
      #"{"z":{"dtype":"I64","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("empty.safetensors")
      try hostile(header, body: 4).write(to: file)
      #expect(try Safetensors.read(file).tensors["z"]?.shape == [0])
    }
  }

  @Test(arguments: HostileFile.all)
  func hostileFilesAreRefused(_ hostileFile: HostileFile) throws {
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("hostile.safetensors")
      try hostileFile.data.write(to: file)
      let error = #expect(throws: TensorFileError.self) { try Safetensors.read(file) }
      #expect(error?.description.hasPrefix(file.path + ": ") == true)
      #expect(error.map { !$0.problem.contains("\n") && $0.problem.count < 300 } == true, "\(error?.problem ?? "")")
    }
  }

  @Test(arguments: [
    (
      Data([0x50, 0x4B, 3, 4, 0, 0]) + Data("archive/data.pkl".utf8),
      "is a PyTorch file (zip), no safetensors file; save its state_dict with safetensors.torch.save_file"
    ),
    (
      Data([0x80, 2, 0x8A, 10, 0x6C]),
      "is a pickle, as older PyTorch saved, no safetensors file; save its state_dict with safetensors.torch.save_file"
    ),
    (Data("<!DOCTYPE html><html>".utf8), "is a web page (HTML), no safetensors file; download the file itself"),
    (Data("{\"a\": 1}".utf8), "is a JSON file, no safetensors file"),
    (Data(), "is an empty file, no safetensors file; copy or download it again"),
    (Data(count: 4096), "is a file of zeros, no safetensors file; copy or download it again"),
    (Data("epochs: 3\n".utf8), "is a text file, no safetensors file"),
  ]) func strangersAreNamed(content: Data, problem: String) throws {
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("weights.safetensors")
      try content.write(to: file)
      #expect(throws: TensorFileError.self) { try Safetensors.read(file) }.map { #expect($0.problem == problem) }
    }
  }

  @Test func unreadableFilesAreNamed() throws {
    try withTestFolder { folder in
      for file in [folder.appendingPathComponent("absent.safetensors"), folder] {
        let error = #expect(throws: TensorFileError.self) { try Safetensors.read(file) }
        #expect(error?.file == file.path)
      }
      let nowhere = folder.appendingPathComponent("no/such/folder.safetensors")
      let error = #expect(throws: TensorFileError.self) { try Safetensors.write(["a": Tensor(1)], to: nowhere) }
      #expect(error?.file == nowhere.path)
    }
  }
}

/// A file that breaks the format in one way.
struct HostileFile: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let data: Data

  init(_ description: String, _ data: Data) {
    testDescription = description
    self.data = data
  }

  /// One tensor `a` with these fields, before a body of zeros.
  private init(_ description: String, dtype: String = "F32", shape: String, offsets: String, body: Int) {
    let header = #"{"a":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
    self.init(description, hostile(header, body: body))
  }

  private static func two(_ first: String, _ second: String) -> String {
    """
    {"a":{"dtype":"F32","shape":[2],"data_offsets":\(first)},"b":{"dtype":"F32","shape":[2],"data_offsets":\(second)}}
    """
  }

  static let all: [HostileFile] = [
    .init("no bytes", Data()),
    .init("seven bytes", Data(count: 7)),
    .init("header longer than the file", hostile("{}", length: 1000)),
    .init("huge header length", hostile("{}", length: .max)),
    .init("header length beyond Int", hostile("{}", length: 1 << 63)),
    .init("no header", hostile("", body: 8)),
    .init("not JSON", hostile("this is no JSON at all")),
    .init("not UTF-8", Data([4, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0xC0, 0x80])),
    .init("a JSON list", hostile("[1, 2]")),
    .init("endlessly nested JSON", hostile(String(repeating: "[", count: 100_000))),
    .init("a tensor that is a number", hostile(#"{"a":1}"#)),
    .init("no type", hostile(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, body: 4)),
    .init("unknown type", dtype: "F12", shape: "[1]", offsets: "[0,4]", body: 4),
    .init("type of another size", dtype: "F64", shape: "[2]", offsets: "[0,8]", body: 8),
    .init("negative shape", shape: "[-2]", offsets: "[0,8]", body: 8),
    .init("two negative lengths", shape: "[-1,-2]", offsets: "[0,8]", body: 8),
    .init("overflowing shape", shape: "[4611686018427387904,4]", offsets: "[0,0]", body: 0),
    .init("overflowing beside zero", shape: "[0,4611686018427387904,4611686018427387904]", offsets: "[0,0]", body: 0),
    .init("length beyond Int", shape: "[18446744073709551615]", offsets: "[0,4]", body: 4),
    .init("fractional length", shape: "[1.5]", offsets: "[0,4]", body: 4),
    .init("shape of words", shape: #"["one"]"#, offsets: "[0,4]", body: 4),
    .init("three offsets", shape: "[1]", offsets: "[0,4,8]", body: 8),
    .init("offsets backwards", shape: "[1]", offsets: "[4,0]", body: 4),
    .init("negative offset", shape: "[2]", offsets: "[-4,4]", body: 4),
    .init("offsets beyond the file", shape: "[1024]", offsets: "[0,4096]", body: 4),
    .init("offsets beyond Int", shape: "[1]", offsets: "[9223372036854775808,9223372036854775812]", body: 4),
    .init("overlapping", hostile(two("[0,8]", "[4,12]"), body: 12)),
    .init("the same place twice", hostile(two("[0,8]", "[0,8]"), body: 8)),
    .init("a gap", hostile(two("[0,8]", "[12,20]"), body: 20)),
    .init("truncated body", hostile(two("[0,8]", "[8,16]"), body: 15)),
    .init("a byte too much", hostile(two("[0,8]", "[8,16]"), body: 17)),
  ]
}

/// A file with this header, whose length field may lie, before a body of zeros.
private func hostile(_ header: String, length: UInt64? = nil, body: Int = 0) -> Data {
  let json = Data(header.utf8)
  let count = withUnsafeBytes(of: (length ?? UInt64(json.count)).littleEndian) { Data($0) }
  return count + json + Data(count: body)
}
