// A network of smooth activations and norms of each input, as a graph and as an ONNX file.

import Foundation
import GoldenFiles
import Graph
import TestSupport
import Testing
import Torch

@Suite struct SmoothGraphTests {
  private let images = Generator(seed: 2).normal([4, 3, 6, 6])

  @Test func operationsAreONNXs() throws {
    let graph = try SmoothNetwork().graph(of: [3, 6, 6])
    #expect(
      graph.nodes.map(\.operation) == [
        "Conv", "GroupNormalization", "Sigmoid", "Mul", "Conv", "GroupNormalization", "Gelu", "Conv",
        "LayerNormalization", "Gelu", "Transpose", "LayerNormalization", "Transpose", "Tanh", "GlobalAveragePool",
        "Flatten",
        "LayerNormalization", "LayerNormalization", "Gemm",
      ])
    #expect(graph.nodes[1].inputs == ["stem", "norm1.weight", "norm1.bias"])
    #expect(Set(graph.entries) == Set(SmoothNetwork().state.map(\.name)))
    // 36 places of 8 filters of 27 weights, of 8 of 36 and of 6 of 8; then the linear layer.
    #expect(graph.multiplyAdds == 36 * (8 * 27 + 8 * 36 + 6 * 8) + 18)
  }

  /// Values and gradients, in training with its dropout and in evaluation; norms without scales round otherwise than ONNX's,
  /// which have some of 1.
  @Test(arguments: [true, false])
  func theGraphComputesWhatTheCodeDoes(isTraining: Bool) throws {
    let (written, traced) = (SmoothNetwork(dropout: 0.5), SmoothNetwork(dropout: 0.5))
    let graph = try traced.graph(of: [3, 6, 6])
    for network in [written, traced] { network.train(isTraining) }
    let (expected, given) = try StepSeed.$current.withValue(7) {
      (
        try #require(DropoutPlaces.counted { written.forward(images, Taps()) }),
        try Programs().run(graph, on: images, for: [try #require(graph.logits)], isTraining: isTraining)[0]
      )
    }
    #expect(try error(given, expected) < 1e-6)
    for logits in [expected, given] { logits.squared().sum().backward() }
    for ((name, tensor), (_, other)) in zip(traced.state, written.state) {
      #expect(try error(try #require(tensor.gradient), other.gradient) < 1e-5, "\(name)")
    }
  }

  /// In all precisions; and as ONNX Runtime has them, where it is.
  @Test(arguments: [("float32", 1e-5), ("float16", 5e-3), ("int8", 0.1)])
  func aWrittenFileIsTheNetwork(precision: String, bound: Double) throws {
    let network = SmoothNetwork()
    network.evaluate()
    let graph = try network.graph(of: [3, 6, 6])
    let exact = try #require(withoutGradients { network.forward(images, Taps()) })
    let precisions = [
      "float32": .float32, "float16": .float16, "int8": try ONNXExport.Precision.int8(graph.ranges(on: [images])),
    ]
    let export = ONNXExport(precision: try #require(precisions[precision]))
    try withTestFolder { folder in
      let file = folder.appending(path: "smooth.onnx")
      try graph.onnx(export).write(to: file)
      let read = try ONNXFile(file).graph
      let given = try withoutGradients { try Programs().run(read, on: images, for: [try #require(read.logits)])[0] }
      #expect(try error(given, exact) < bound)
      guard ONNXFiles.obstacle == nil else { return }
      let (input, output) = (folder.appending(path: "in.safetensors"), folder.appending(path: "out.safetensors"))
      try Safetensors.write(["images": images], to: input)
      try ONNXFiles.run(file, on: input, into: output)
      #expect(try error(given, Safetensors.read(output).tensors["logits.4"]) < bound)
    }
  }

  @Test func scalesOfGroupsAreRefused() throws {
    let node = Graph.Node(
      name: "norm", operation: "GroupNormalization", inputs: ["x", "scale", "bias"], outputs: ["y"],
      attributes: ["num_groups": .int(2)])
    let graph = Graph(
      input: "x", inputShape: [4, 2, 2], logits: "y", taps: [], nodes: [node],
      tensors: ["scale": .ones([2]), "bias": .zeros([2])], shapes: [:])
    let error = #expect(throws: UnknownOperation.self) {
      try Programs().run(graph, on: .zeros([1, 4, 2, 2]), for: ["y"])
    }
    #expect(error?.description.contains("one for each channel is known") == true)
  }
}
