// ONNX files: damaged ones, and whole ones in which what they say is changed.

import Foundation
import GoldenFiles
import Graph
import Kindred
import KindredVision
import Torch

struct ONNXInputs: FuzzedReader {
  private let file: URL
  private let samples: [[UInt8]]

  init(_ folder: URL) throws {
    file = folder.appending(path: "input.onnx")
    samples = try ["small", "attention", "int8", "float16"].map {
      Array(try Data(contentsOf: Golden.file("onnx/\($0)", "onnx")))
    }
  }

  func input(_ random: inout SplitMix64) -> [InputFile] {
    var bytes = random.pick(samples)
    if random.oneIn(4) { bytes = Mutation.of(bytes, with: random.pick(samples), &random) }
    // Most bytes are weights. Lengths, axes and names stand between readable words.
    for _ in 0..<random.index(4) {
      let place = random.index(bytes.count)
      if let start = bytes[place...].firstIndex(where: { $0 < 32 }) {
        bytes[start] = random.oneIn(2) ? UInt8(random.index(32)) : UInt8(truncatingIfNeeded: random.next())
      }
    }
    return [InputFile(name: "input.onnx", bytes: bytes)]
  }

  /// Values of up to 2^26 elements are computed, a few at a time.
  var expectedBytes: Int { 1 << 30 }

  func read() throws {
    let graph = try ONNXFile(file).graph
    guard graph.logits.flatMap({ graph.shapes[$0] })?.count == 1 else { throw Failure("a graph without logits") }
    _ = try? graph.onnx()
  }
}
