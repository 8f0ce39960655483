// Numbers in 8 and 16 bits: operations and a layer by hand, what is refused, and foreign networks as ONNX Runtime runs them.

import Foundation
import GoldenFiles
import Graph
import TestSupport
import Testing
import Torch

/// A graph of one operation that reads the input and constants.
private func run(
  _ operation: String, on input: Tensor, _ constants: [Tensor], _ attributes: [String: Attribute] = [:]
) throws -> Tensor {
  let names = constants.indices.map { "constant\($0)" }
  let node = Graph.Node(
    name: "node", operation: operation, inputs: ["x"] + names, outputs: ["y"], attributes: attributes)
  let graph = Graph(
    input: "x", inputShape: Array(input.shape.dropFirst()), logits: "y", taps: [], nodes: [node],
    tensors: Dictionary(uniqueKeysWithValues: zip(names, constants)), shapes: [:])
  return try withTorchErrors { try Programs().run(graph, on: input, for: ["y"])[0] }
}

private func scalar(_ value: Float) -> Tensor { Tensor([value], shape: []) }

@Suite struct LinearQuantizationTests {
  /// Halves go to the even number, and what lies beyond the bits to their end.
  @Test func quantizing() throws {
    let values = Tensor([-1, -0.25, 0.25, 0.75, 1.25, 100, -100] as [Float], shape: [1, 7])
    let bytes = try run("QuantizeLinear", on: values, [scalar(0.5), Tensor([3] as [UInt8], shape: [])])
    #expect(bytes.elements(as: UInt8.self) == [1, 3, 3, 5, 5, 203, 0])
    let signed = try run("QuantizeLinear", on: values, [scalar(0.5), Tensor([0] as [Int8], shape: [])])
    #expect(signed.elements(as: Int8.self) == [-2, 0, 0, 2, 2, 127, -128])
    let unnamed = try run("QuantizeLinear", on: values, [scalar(0.5)])
    #expect(unnamed.elements(as: UInt8.self) == [0, 0, 0, 2, 2, 200, 0])
    let scales = Tensor([1, 0.5, 0.25] as [Float], shape: [3])
    let ones = try run("QuantizeLinear", on: .ones([2, 3]), [scales, .zeros([3], dtype: .int8)], ["axis": .int(-1)])
    #expect(ones.elements(as: Int8.self) == [1, 2, 4, 1, 2, 4])
  }

  @Test func dequantizing() throws {
    let bytes = Tensor([0, 3, 255] as [UInt8], shape: [1, 3])
    let values = try run("DequantizeLinear", on: bytes, [scalar(0.5), Tensor([3] as [UInt8], shape: [])])
    #expect(values.elements(as: Float.self) == [-1.5, 0, 126])
    let scales = Tensor([1, 0.5] as [Float], shape: [2])
    let rows = Tensor([1, 2, 3, -4] as [Int8], shape: [2, 2])
    let zeros = Tensor([1, 0] as [Int8], shape: [2])
    #expect(
      try run("DequantizeLinear", on: rows, [scales, zeros], ["axis": .int(0)]).elements(as: Float.self)
        == [0, 1, 1.5, -2])
    // More than a float32 holds, until it is scaled.
    let wide = Tensor([16_777_217, -16_777_217] as [Int32], shape: [2])
    let exact = try run("DequantizeLinear", on: wide, [Tensor([0.5, 0.25] as [Float], shape: [2])], ["axis": .int(0)])
    #expect(exact.elements(as: Float.self) == [Float(8_388_608.5), Float(-4_194_304.25)])
  }

  @Test func whatCannotBeIsRefused() {
    let (values, bytes) = (Tensor.ones([2, 3]), Tensor.ones([2, 3], dtype: .uint8))
    let two = Tensor([1, 1] as [Float], shape: [2])
    let cases: [(String, Tensor, [Tensor], [String: Attribute])] = [
      ("QuantizeLinear", values, [scalar(0)], [:]),
      ("QuantizeLinear", values, [scalar(-1)], [:]),
      ("QuantizeLinear", values, [scalar(.nan)], [:]),
      ("QuantizeLinear", values, [scalar(.infinity)], [:]),
      ("QuantizeLinear", values, [Tensor([] as [Float], shape: [0])], [:]),
      ("QuantizeLinear", values, [.ones([1, 3])], [:]),
      ("QuantizeLinear", values, [Tensor([1] as [Int64], shape: [])], [:]),
      ("QuantizeLinear", values, [scalar(1), Tensor([1] as [Int64], shape: [])], [:]),
      ("QuantizeLinear", values, [scalar(1), .zeros([2], dtype: .uint8)], [:]),
      ("QuantizeLinear", values, [two], ["axis": .int(1)]),
      ("QuantizeLinear", values, [two], ["axis": .int(2)]),
      ("QuantizeLinear", values, [two], ["axis": .int(-3)]),
      ("QuantizeLinear", values, [scalar(1)], ["block_size": .int(2)]),
      ("QuantizeLinear", bytes, [scalar(1)], [:]),
      ("DequantizeLinear", values, [scalar(1)], [:]),
      ("DequantizeLinear", bytes, [scalar(1), Tensor([1] as [Int8], shape: [])], [:]),
      ("DequantizeLinear", bytes, [two], ["axis": .int(Int.min)]),
    ]
    for (operation, input, constants, attributes) in cases {
      #expect(throws: UnknownOperation.self, "\(operation) \(constants) \(attributes)") {
        try run(operation, on: input, constants, attributes)
      }
    }
  }
}

/// A convolution of 1 x 1 with a ReLU, its mean, and one logit of it.
private func oneLayer(weights: [Float] = [0.64, -0.32]) -> Graph {
  Graph(
    input: "images", inputShape: [2, 1, 1], logits: "fc", taps: [],
    nodes: [
      .init(name: "conv", operation: "Conv", inputs: ["images", "conv.weight", "conv.bias"], outputs: ["conv"]),
      .init(name: "relu", operation: "Relu", inputs: ["conv"], outputs: ["relu"]),
      .init(name: "pool", operation: "GlobalAveragePool", inputs: ["relu"], outputs: ["pool"]),
      .init(name: "flat", operation: "Flatten", inputs: ["pool"], outputs: ["flat"]),
      .init(
        name: "fc", operation: "Gemm", inputs: ["flat", "fc.weight"], outputs: ["fc"], attributes: ["transB": .int(1)]),
    ],
    tensors: [
      "conv.weight": Tensor(weights, shape: [1, 2, 1, 1]), "conv.bias": Tensor([0.05] as [Float], shape: [1]),
      "fc.weight": .ones([1, 1]),
    ],
    shapes: ["images": [2, 1, 1], "conv": [1, 1, 1], "relu": [1, 1, 1], "pool": [1, 1, 1], "flat": [1], "fc": [1]])
}

@Suite struct QDQTests {
  /// Inputs from -1 to 1.55 are in steps of 0.01 and weights in steps of 0.64 / 64; the results are from 0 to 0.546.
  @Test func aLayerByHand() throws {
    try withTestFolder { folder in
      let ends = Tensor([1.55, 1.55, -1, -1] as [Float], shape: [2, 2, 1, 1])
      let graph = oneLayer()
      let place = folder.appending(path: "layer.onnx")
      try graph.onnx(ONNXExport(precision: .int8(graph.ranges(on: [ends])))).write(to: place)
      let read = try ONNXFile(place)
      #expect(read.graph.nodes.filter { $0.operation == "QuantizeLinear" }.count == 4)
      #expect(!read.graph.nodes.contains { $0.operation == "Relu" })
      #expect(read.graph.parameterCount == 2 && read.remarks.count == 1)
      let input = Tensor([0.333, -0.127] as [Float], shape: [1, 2, 1, 1])
      let value = try withoutGradients {
        try Programs().run(read.graph, on: input, for: [try #require(read.graph.logits)])
      }
      // 0.33 x 0.64 + 0.13 x 0.32 + 0.05 = 0.3028, which is 141.4 steps of the result's.
      #expect(abs(value[0].item - 141 * 0.546 / 255) < 1e-6)
    }
  }

  /// Seven bits: bytes times signed bytes, two at a time, must fit into 16.
  @Test func weightsAreSmallEnoughForEveryProcessor() throws {
    try withTestFolder { folder in
      let graph = oneLayer(weights: [1, -1])
      let place = folder.appending(path: "layer.onnx")
      try graph.onnx(ONNXExport(precision: .int8(graph.ranges(on: [.ones([1, 2, 1, 1])])))).write(to: place)
      let weight = try #require(ONNXFile(place).graph.tensors["conv.weight"])
      #expect(weight.elements(as: Double.self) == [1, -1])
    }
  }

  @Test func whatCannotBeWrittenIsRefused() throws {
    let graph = oneLayer()
    #expect(throws: ONNXExportError.self) { try graph.onnx(ONNXExport(precision: .int8(ValueRanges()))) }
    let endless = oneLayer(weights: [.infinity, 0])
    #expect(throws: QuantizationError.notFinite) { try endless.ranges(on: [.ones([1, 2, 1, 1])]) }
    let large = oneLayer(weights: [70_000, 0])
    #expect(throws: ONNXExportError.self) { try large.onnx(ONNXExport(precision: .float16)) }
  }

  /// Sums, halves, clipped and gated layers, and batch norms that cannot be folded: no convolution is left in
  /// floating-point numbers, and logits are those that this library makes of the file. What ONNX Runtime sums in whole
  /// numbers rounds to the next step here and there.
  @Test(
    needsPyTorch,
    arguments: [
      "resnet18-train", "shufflenet_v2_x0_5-ts", "mobilenet_v3_small-ts", "densenet121-ts",
    ])
  func oNNXRuntimeFusesForeignNetworks(name: String) throws {
    try withTestFolder { folder in
      let graph = try ONNXFile(ONNXFiles.file("\(name).onnx")).graph
      let given = try ONNXFiles.file("\(name.replacing("-ts", with: "")).safetensors")
      let images = try #require(Safetensors.read(given).tensors["images"])
      let place = folder.appending(path: "int8.onnx")
      try graph.onnx(ONNXExport(precision: .int8(graph.ranges(on: [images])))).write(to: place)
      try ONNXFiles.run(place, on: given, into: folder.appending(path: "out.safetensors"))
      let theirs = try Safetensors.read(folder.appending(path: "out.safetensors")).tensors
      let read = try ONNXFile(place).graph
      let convolutions = theirs.filter { $0.key.hasPrefix("operations.") && $0.key.contains("Conv") }
      #expect(convolutions.keys.sorted() == ["operations.QLinearConv"])
      #expect(
        convolutions.values.first.map { Int($0.item) } == read.nodes.filter { $0.operation == "Conv" }.count)
      let own = try withoutGradients {
        try Programs().run(read, on: images, for: [try #require(read.logits)])[0]
      }
      let difference = try error(own, theirs["logits.\(images.shape[0])"])
      #expect(difference < 0.02)
    }
  }

  @Test(needsPyTorch, arguments: ["resnet18-train", "mobilenet_v3_small-ts"])
  func float16IsWhatONNXRuntimeRuns(name: String) throws {
    try withTestFolder { folder in
      let graph = try ONNXFile(ONNXFiles.file("\(name).onnx")).graph
      let given = try ONNXFiles.file("\(name.replacing("-ts", with: "")).safetensors")
      let golden = try Safetensors.read(given).tensors
      let (images, tap) = (try #require(golden["images"]), try #require(graph.taps.last))
      let place = folder.appending(path: "float16.onnx")
      try graph.onnx(ONNXExport(precision: .float16, taps: [tap.name])).write(to: place)
      try ONNXFiles.run(place, on: given, into: folder.appending(path: "out.safetensors"))
      let theirs = try Safetensors.read(folder.appending(path: "out.safetensors")).tensors
      let exact = try withoutGradients {
        try Programs().run(graph, on: images, for: [try #require(graph.logits), tap.value])
      }
      let read = try ONNXFile(place, taps: ["written": tap.name]).graph
      let own = try withoutGradients {
        try Programs().run(read, on: images, for: [try #require(read.logits), tap.name])
      }
      for (index, output) in ["logits", tap.name].enumerated() {
        // Three digits, through up to fifty layers.
        #expect(try error(own[index], theirs["\(output).\(images.shape[0])"]) < 0.01, "\(output)")
        #expect(try error(own[index], exact[index]) < 0.01, "\(output)")
      }
    }
  }
}
