// Networks from elsewhere: ONNX files that PyTorch wrote, and ours as ONNX Runtime runs them.

import Foundation
import GoldenFiles
import Graph
import TestSupport
import Testing
import Torch

let needsPyTorch: ConditionTrait = .enabled(
  if: ONNXFiles.obstacle == nil, Comment(rawValue: ONNXFiles.obstacle ?? ""))

func error(_ value: Tensor, _ expected: Tensor?) throws -> Double {
  let expected = try #require(expected)
  return ((value - expected).norm() / expected.norm()).item
}

@Suite struct ONNXReadingTests {
  /// Small files, where there is no Python: convolutions with uneven kernels and shared halves, attention, and the first in
  /// fewer bits, of ONNX Runtime's quantiser and of PyTorch. There a sum in another order may round to the next step.
  @Test(arguments: [("small", 1e-5), ("attention", 1e-5), ("int8", 0.01), ("float16", 2e-3)])
  func committedFilesGiveTheirLogits(name: String, bound: Double) throws {
    let graph = try ONNXFile(Golden.file("onnx/\(name)", "onnx")).graph
    let golden = try Safetensors.read(Golden.file("onnx/\(name)", "safetensors")).tensors
    let images = try #require(golden["images"])
    for programs in [Programs(), Programs(frozen: FrozenLayers())] {
      let value = try withoutGradients { try programs.run(graph, on: images, for: [try #require(graph.logits)])[0] }
      #expect(try error(value, golden["logits"]) < bound)
    }
  }

  /// By both exporters; operation by operation and fused, for three images and for one.
  @Test(
    needsPyTorch,
    arguments: [
      "resnet18", "resnet18-ts", "mobilenet_v2", "mobilenet_v2-ts", "shufflenet_v2_x0_5-ts", "mobilenet_v3_small-ts",
      "squeezenet1_1-ts", "densenet121-ts", "regnet_y_400mf-ts", "convnext_tiny-ts", "vit", "vit-ts", "smooth-ts",
      "smooth-18", "smooth-20", "smooth-21",
    ])
  func logitsArePyTorchs(name: String) throws {
    let graph = try ONNXFile(ONNXFiles.file("\(name).onnx")).graph
    let golden = try Safetensors.read(ONNXFiles.file("\(name.prefix { $0 != "-" }).safetensors")).tensors
    let (images, logits) = (try #require(golden["images"]), try #require(golden["logits"]))
    let output = try #require(graph.logits)
    try withoutGradients {
      for programs in [Programs(), Programs(frozen: FrozenLayers())] {
        for count in [3, 1] {
          let input = images.narrowed(0, 0..<count).contiguous(.channelsLast)
          let value = try programs.run(graph, on: input, for: [output])[0]
          #expect(try error(value, logits.narrowed(0, 0..<count)) < 1e-5, "\(count) images")
        }
      }
    }
  }

  /// The maps between blocks, which RepDistiller's taps of MobileNetV2 are, too.
  @Test(needsPyTorch) func tapsAreNamed() throws {
    let graph = try ONNXFile(ONNXFiles.file("mobilenet_v2-ts.onnx")).graph
    let shapes = Dictionary(uniqueKeysWithValues: graph.taps.map { ($0.name, graph.shapes[$0.value] ?? []) })
    #expect(
      shapes == [
        "stem": [16, 32, 32], "stage1": [24, 16, 16], "stage2": [32, 8, 8], "stage3": [96, 4, 4],
        "stage4": [320, 2, 2],
        "last": [1280, 2, 2], "pooled": [1280],
      ])
    let value = "/features/features.5/Add_output_0"
    let named = try ONNXFile(ONNXFiles.file("mobilenet_v2-ts.onnx"), taps: ["stage2": value]).graph
    #expect(named.taps.contains(.init(name: "stage2", value: value)))
    #expect(throws: ONNXError.self) { try ONNXFile(ONNXFiles.file("mobilenet_v2-ts.onnx"), taps: ["x": "nowhere"]) }
  }

  /// A training step on a file exported for training: gradients of every parameter by its own name, and statistics.
  @Test(needsPyTorch, arguments: ["resnet18", "mobilenet_v2"])
  func aFileForTrainingTrains(name: String) throws {
    let graph = try ONNXFile(ONNXFiles.file("\(name)-train.onnx")).graph
    let golden = try Safetensors.read(ONNXFiles.file("\(name)-train.safetensors")).tensors
    for tensor in graph.tensors.values where tensor.dtype == .float32 { tensor.setData(tensor.detached().to(.float64)) }
    let images = try #require(golden["images"]).to(.float64)
    let logits = try Programs().run(graph, on: images, for: [try #require(graph.logits)], isTraining: true)[0]
    logits.crossEntropy(labels: try #require(golden["labels"])).backward()
    let gradients = golden.filter { $0.key.hasPrefix("gradient.") }
    let trained = graph.tensors.filter(\.value.requiresGradient)
    #expect(Set(trained.keys) == Set(gradients.keys.map { String($0.dropFirst("gradient.".count)) }))
    for (entry, tensor) in trained {
      let expected = try #require(golden["gradient.\(entry)"])
      let difference = (try #require(tensor.gradient) - expected).norm().item
      #expect(difference < 1e-8 * (expected.norm().item + 1), "\(entry)")
    }
    for (entry, expected) in golden where entry.hasPrefix("after.") {
      let tensor = try #require(graph.tensors[String(entry.dropFirst("after.".count))])
      // The file holds the momentum in float32.
      #expect(try error(tensor, expected) < 1e-6, "\(entry)")
    }
  }

  /// Tensors of equal values that the exporter has made one are taken apart, and that is said.
  @Test(needsPyTorch) func sharedTensorsAreTakenApart() throws {
    let file = try ONNXFile(ONNXFiles.file("shared.onnx"))
    #expect(file.remarks.contains { $0.contains("of equal values") }, "\(file.remarks)")
    let scales = file.graph.nodes.filter { $0.operation == "BatchNormalization" }.map { $0.inputs[1] }
    #expect(scales.count == 2 && scales[0] != scales[1])
    #expect(scales.allSatisfy { file.graph.tensors[$0]?.requiresGradient == true })
  }

  /// What an export for inference has lost, and what is no weight: the normalisation of the images.
  @Test func whatIsOddForTrainingIsSaid() throws {
    try withTestFolder { folder in
      let place = folder.appending(path: "bytes.onnx")
      let input = ONNXExport.Input.bytes(mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.25, 0.3])
      try Branching().graph().onnx(ONNXExport(input: input)).write(to: place)
      let file = try ONNXFile(place)
      #expect(file.remarks.contains { $0.contains("has no batch norms") }, "\(file.remarks)")
      #expect(!file.graph.entries.isEmpty)
      #expect(!file.graph.entries.contains { $0.contains("mean") || $0.contains("deviation") }, "\(file.graph.entries)")
    }
  }

  @Test(needsPyTorch) func aFixedBatchIsRefused() throws {
    let error = #expect(throws: ONNXError.self) { try ONNXFile(ONNXFiles.file("static.onnx")) }
    #expect(error?.description.contains("dynamic_axes") == true, "\(String(describing: error))")
  }
}

@Suite struct ONNXWritingTests {
  /// What Kindred read, or traced, and wrote again is what ONNX Runtime computes, and what Kindred reads once more.
  @Test(needsPyTorch, arguments: ["resnet18-train", "mobilenet_v2-ts", "shufflenet_v2_x0_5-ts", "vit"])
  func writtenFilesAreTheNetwork(name: String) throws {
    try withTestFolder { folder in
      let graph = try ONNXFile(ONNXFiles.file("\(name).onnx")).graph
      let given = try ONNXFiles.file("\(name.replacing("-ts", with: "")).safetensors")
      let images = try #require(Safetensors.read(given).tensors["images"])
      let tap = graph.taps[graph.taps.count - 1].name
      let place = folder.appending(path: "written.onnx")
      try graph.onnx(ONNXExport(taps: [tap], metadata: ["classes": "[\"a\"]"])).write(to: place)
      try ONNXFiles.run(place, on: given, into: folder.appending(path: "out.safetensors"))
      let theirs = try Safetensors.read(folder.appending(path: "out.safetensors")).tensors
      let wanted = [try #require(graph.logits), try #require(graph.taps.last).value]
      let own = try withoutGradients { try Programs().run(graph, on: images, for: wanted) }
      for (output, value) in zip(["logits", tap], own) {
        #expect(try error(value, theirs["\(output).\(images.shape[0])"]) < 1e-4, "\(output)")
        #expect(try error(value.narrowed(0, 0..<1), theirs["\(output).1"]) < 1e-4, "\(output) of one image")
      }
      let again = try ONNXFile(place)
      #expect(again.metadata == ["classes": "[\"a\"]"])
      #expect(!again.graph.nodes.contains { $0.operation == "BatchNormalization" })
      let read = try withoutGradients {
        try Programs().run(again.graph, on: images, for: [try #require(again.graph.logits)])[0]
      }
      #expect(try error(read, own[0]) < 1e-4)
    }
  }

  /// Bytes' values go in, and the network's own normalisation is inside.
  @Test(needsPyTorch) func normalisationCanBeInside() throws {
    try withTestFolder { folder in
      let network = Branching()
      network.evaluate()
      let graph = try network.graph()
      let bytes = (Generator(seed: 5).uniform([4, 3, 9, 7]) * 255).rounded()
      let (mean, deviation) = ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3])
      let place = folder.appending(path: "bytes.onnx")
      try graph.onnx(ONNXExport(input: .bytes(mean: mean, deviation: deviation))).write(to: place)
      try Safetensors.write(["images": bytes], to: folder.appending(path: "in.safetensors"))
      let output = folder.appending(path: "out.safetensors")
      try ONNXFiles.run(place, on: folder.appending(path: "in.safetensors"), into: output)
      let shape = [1, 3, 1, 1]
      let images =
        (bytes / 255 - Tensor(mean, shape: shape).to(.float32)) / Tensor(deviation, shape: shape).to(.float32)
      let own = try withoutGradients { try Programs().run(graph, on: images, for: ["fc"])[0] }
      #expect(try error(own, try Safetensors.read(output).tensors["logits.4"]) < 1e-4)
    }
  }
}
