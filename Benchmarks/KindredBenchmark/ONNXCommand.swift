// The files that `make bench ARGS=onnx` runs in ONNX Runtime: a network in float32 and in int8.

import ArgumentParser
import Foundation
import Graph
import Kindred
import KindredVision
import Torch

/// Writes a network of random weights as `float32.onnx` and `int8.onnx`: speed asks for no training.
struct ONNXCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "onnx", abstract: "Write a network as ONNX in float32 and int8.")

  @Option(help: "The network.") var network: String
  @Option(help: "The images' height and width.") var side = 32
  @Option(help: "The folder of both files, which exists.") var out: String

  func run() throws {
    guard let architecture = Architecture(name: network) else {
      throw ValidationError("There is no network '\(network)'.")
    }
    let network = architecture.network(classes: 100, generator: Generator(seed: 1))
    let images = Generator(seed: 2).normal([4, 3, side, side])
    // Batch norms' statistics, so that values keep their size through the layers.
    for _ in 0..<2 { _ = withoutGradients { network.activations(of: images, .logits) } }
    network.evaluate()
    let graph = try network.graph(of: [3, side, side])
    for (name, precision) in [("float32", .float32), ("int8", .int8(try graph.ranges(on: [images])))]
      as [(String, ONNXExport.Precision)]
    {
      let file = URL(filePath: out).appending(path: "\(name).onnx")
      try graph.onnx(ONNXExport(precision: precision)).write(to: file)
    }
  }
}
