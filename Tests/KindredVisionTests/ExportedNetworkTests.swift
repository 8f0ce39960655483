// The zoo's networks in ONNX Runtime: every family's file gives the network's logits, and in int8 it works on bytes throughout.

import Foundation
import GoldenFiles
import Graph
import Kindred
import KindredVision
import TestSupport
import Testing
import Torch

private let needsPyTorch: ConditionTrait = .enabled(
  if: ONNXFiles.obstacle == nil, Comment(rawValue: ONNXFiles.obstacle ?? ""))

/// The norm of the difference over the norm of what is expected.
private func distance(_ actual: Tensor, _ expected: Tensor) -> Double {
  (actual - expected).norm().item / expected.norm().item
}

@Suite struct ExportedNetworkTests {
  /// For one image and for 64.
  @Test(
    needsPyTorch,
    arguments: [
      ("resnet-14", 32), ("wrn-16-2", 32), ("vgg-8", 32), ("mobilenetv2-0.35", 32), ("shufflenetv1", 32),
      ("shufflenetv2-0.5", 32), ("resnet-50-cifar", 32), ("resnet18", 64), ("resnet50", 64),
      ("mobilenet_v2-0.35", 64), ("shufflenet_v2_x0_5", 64), ("mobilenetv1_025", 64),
    ])
  func everyFamilyIsTheSameInONNXRuntime(name: String, side: Int) throws {
    try withTestFolder { folder in
      let network = try usedNetwork(name, side: side)
      let images = Generator(seed: 4).normal([64, 3, side, side])
      let place = folder.appending(path: "float32.onnx")
      try network.graph(of: [3, side, side]).onnx(ONNXExport(taps: ["pooled"])).write(to: place)
      let (given, output) = (folder.appending(path: "in.safetensors"), folder.appending(path: "out.safetensors"))
      try Safetensors.write(["images": images], to: given)
      try ONNXFiles.run(place, on: given, into: output)
      let theirs = try Safetensors.read(output).tensors
      let own = network.activations(of: images, ActivationRequest(logits: true, taps: ["pooled"]))
      for (name, value) in [("logits", own.requiredLogits()), ("pooled", own.tap("pooled"))] {
        #expect(distance(value, try #require(theirs["\(name).64"])) < 1e-4, "\(name)")
        #expect(distance(value.narrowed(0, 0..<1), try #require(theirs["\(name).1"])) < 1e-4, "\(name) of one image")
      }
    }
  }

  /// For one image and for 64. ONNX Runtime sums whole numbers, this library what they stand for: here and there a value
  /// rounds to the next step, and a processor that cut off sums was a tenth or more away. A Wide ResNet's batch norms
  /// before ReLUs are convolutions too.
  @Test(
    needsPyTorch,
    arguments: [
      ("resnet-8", 9, 0), ("wrn-16-1", 22, 0), ("vgg-8", 5, 0), ("mobilenetv2-0.5", 53, 0),
      ("shufflenetv2-0.5", 56, 16),
      ("shufflenetv1", 49, 3),
    ])
  func int8IsFusedAndTheSame(name: String, convolutions: Int, concatenations: Int) throws {
    try withTestFolder { folder in
      let network = try usedNetwork(name)
      let graph = try network.graph(of: [3, 32, 32])
      let images = Generator(seed: 4).normal([64, 3, 32, 32])
      let place = folder.appending(path: "int8.onnx")
      let export = ONNXExport(precision: .int8(try graph.ranges(on: [images], exporting: ["pooled"])), taps: ["pooled"])
      try graph.onnx(export).write(to: place)
      let (given, output) = (folder.appending(path: "in.safetensors"), folder.appending(path: "out.safetensors"))
      try Safetensors.write(["images": images], to: given)
      try ONNXFiles.run(place, on: given, into: output)
      let theirs = try Safetensors.read(output).tensors
      let fused = theirs.filter { $0.key.hasPrefix("operations.") }.mapValues { Int($0.item) }
      #expect(fused["operations.Conv"] == nil && fused["operations.Gemm"] == nil, "\(fused)")
      #expect(fused["operations.QLinearConv"] == convolutions, "\(fused)")
      #expect(fused["operations.QLinearConcat", default: 0] + fused["operations.Concat", default: 0] == concatenations)
      // One where the images come in, and one where the pooled vectors go out.
      #expect(
        fused["operations.QuantizeLinear"] == 1 && fused["operations.DequantizeLinear", default: 0] <= 1, "\(fused)")
      let read = FrozenNetwork(GraphNetwork(try ONNXFile(place).graph))
      let own = read.activations(of: images, ActivationRequest(logits: true, taps: ["pooled"]))
      for (name, value) in [("logits", own.requiredLogits()), ("pooled", own.tap("pooled"))] {
        #expect(distance(value, try #require(theirs["\(name).64"])) < 0.02, "\(name)")
        #expect(distance(value.narrowed(0, 0..<1), try #require(theirs["\(name).1"])) < 0.02, "\(name) of one image")
      }
      // What 8 bits change at all is more.
      let exact = network.activations(of: images, .logits).requiredLogits()
      #expect(distance(own.requiredLogits(), exact) < 0.1)
    }
  }
}
