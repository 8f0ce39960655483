// PyTorch's checkpoints against the tensors that PyTorch itself put into them, and what is refused.

import Foundation
import GoldenFiles
import TestSupport
import Testing
import Torch

@Suite struct PyTorchFileTests {
  private static func file(_ name: String) throws -> URL { try Golden.file("checkpoints/\(name)", "pth") }

  @Test(arguments: ["plain", "run", "odd"], ["zip", "legacy"])
  func tensorsAreThoseThatWereSaved(name: String, kind: String) throws {
    let wanted = try Golden("checkpoints/\(name)-\(kind)").tensors
    let file = try TensorFile(try Self.file("\(name)-\(kind)"))
    #expect(Set(file.entries.keys) == Set(wanted.keys))
    for (name, tensor) in wanted {
      let found = try file.tensor(name)
      #expect(found.shape == tensor.shape && found.dtype == tensor.dtype, "\(name)")
      #expect(found.bytes() == tensor.bytes(), "\(name)")
      #expect(file.entries[name]?.shape == tensor.shape && file.entries[name]?.dtype == tensor.dtype, "\(name)")
    }
  }

  @Test func oneOfSeveralSetsIsNamed() throws {
    let file = try Self.file("two-sets")
    #expect(throws: TensorFileError.self) { try TensorFile(file) }
    let wanted = try Golden("checkpoints/two-sets").tensors
    let model = try TensorFile(file, key: "model").tensors()
    for (name, tensor) in wanted { #expect(model[name]?.bytes() == tensor.bytes()) }
    let average = try TensorFile(file, key: "model_ema").tensors()
    #expect(average["0.weight"]?.elements(as: Float.self).allSatisfy { $0 == 0 } == true)
    #expect(throws: TensorFileError.self) { try TensorFile(file, key: "ema") }
  }

  @Test(arguments: [
    ("two-sets", "holds several sets of weights: model, model_ema; name one with --key, to kindred convert"),
    ("whole-model", "holds a whole torch.nn.modules.container.Sequential, not its state_dict(); save that"),
    ("hostile-lengths", "the impossible shape [4611686018427387904, 4, 0]"),
    ("hostile-offset", "shape [1] with strides [1] reaches beyond its storage of 1"),
    ("hostile-stride", "the impossible shape [2, 2]"),
    ("hostile-negative", "the impossible shape [-1] with strides [1] from 0"),
    ("hostile-count", "shape [1099511627776] with strides [0] reaches beyond its storage of 1"),
    ("hostile-copies", "its tensors would take more than 64 times the file's size"),
    ("no-weights", "holds no state dictionary; save the network's state_dict()"),
  ])
  func whatCannotBeReadIsRefused(name: String, problem: String) throws {
    let file = try Self.file(name)
    #expect(#expect(throws: TensorFileError.self) { try TensorFile(file) }?.problem == problem)
  }

  @Test func aProgramIsNamed() throws {
    let file = try Golden.file("teacher", "pt")
    let error = #expect(throws: TensorFileError.self) { try TensorFile(file) }
    #expect(error?.problem.hasPrefix("is a TorchScript program; save the network's state_dict()") == true)
  }

  /// Cut off anywhere, or with any byte changed: an error or the right shapes, and never the end of the process.
  @Test(arguments: ["odd-zip", "odd-legacy"]) func damageIsAnError(name: String) throws {
    let folder = try TestFolder()
    let whole = try Data(contentsOf: try Self.file(name))
    for count in stride(from: 0, to: whole.count, by: 97) {
      let file = try folder.write(Array(whole.prefix(count)), to: "cut.pth")
      #expect(throws: TensorFileError.self, "\(count)") { try TensorFile(file).tensors() }
    }
    for place in stride(from: 0, to: whole.count, by: 61) {
      var bytes = whole
      bytes[place] ^= 0x41
      _ = try? TensorFile(try folder.write(Array(bytes), to: "changed.pth")).tensors()
    }
  }
}
