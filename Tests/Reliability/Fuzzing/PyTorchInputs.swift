// PyTorch's checkpoints: damaged files of both containers, and sound archives around other programs and other storages.

import Files
import Foundation
import GoldenFiles
import Kindred
import KindredVision
import Torch

struct PyTorchInputs: FuzzedReader {
  private let file: URL
  private let samples: [[UInt8]]
  /// The entries of zipped samples.
  private let archives: [[(name: String, contents: [UInt8])]]

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.pth")
    func sample(_ name: String) throws -> Data { try Data(contentsOf: Golden.file("checkpoints/\(name)", "pth")) }
    samples = try ["odd-zip", "run-zip", "odd-legacy", "run-legacy", "two-sets"].map { Array(try sample($0)) }
    archives = try ["odd-zip", "run-zip"].map { name in
      let archive = try ZipArchive(sample(name))
      return try archive.names.map { ($0, Array(try archive.contents(of: $0) ?? Data())) }
    }
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var bytes = random.oneIn(2) ? archive(&random) : random.pick(samples)
    if random.oneIn(3) { bytes = Mutation.of(bytes, with: random.pick(samples), &random) }
    return [InputFile(name: "input.pth", bytes: bytes)]
  }

  /// A sound archive in which entries are changed, missing or twice there.
  private func archive(_ random: inout SplitMix64) -> [UInt8] {
    var archive = Archive()
    for (name, contents) in random.pick(archives) {
      var bytes = contents
      if name.hasSuffix(".pkl") {
        if !random.oneIn(4) { bytes = Mutation.of(bytes, with: contents, &random) }
        if random.oneIn(20) { bytes = PickleInputs.program(&random) }
      } else if random.oneIn(20) {
        bytes = Mutation.of(bytes, with: contents, &random)
      }
      if !random.oneIn(100) { archive.add(name, bytes) }
      if random.oneIn(100) { archive.add(name, bytes) }
    }
    return archive.bytes
  }

  func read() throws {
    let tensors = try Torch.TensorFile(file).tensors()
    for (name, tensor) in tensors {
      guard tensor.shape.allSatisfy({ $0 >= 0 }) else { throw Failure("'\(name)' is no tensor") }
    }
  }
}
