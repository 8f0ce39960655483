// A checkpoint as it was published, in the network that it belongs to.

import Foundation
import GoldenFiles
import Kindred
import KindredExperiments
import TestSupport
import Testing
import Torch

@Suite struct ImageNetWeightsTests {
  /// torchvision's weights give torchvision's logits, read from the stream that PyTorch wrote before 1.6, as well fused.
  @Test(.enabled(if: Python.obstacle == nil, Comment(rawValue: Python.obstacle ?? "")))
  func mobileNetV2IsTorchvisions() throws {
    let folder = try TestFolder()
    let script = URL(filePath: #filePath).appending(path: "../../Golden/make_imagenet.py").standardizedFileURL
    try Python.run([script.path, folder.url.path])
    let checkpoint = folder.url.appending(path: "mobilenet_v2.pth")
    #expect(try WeightsFile(checkpoint).fittingNetworks().map(\.name) == ["mobilenet_v2-1.0"])
    let golden = try Safetensors.read(folder.url.appending(path: "mobilenet_v2.safetensors")).tensors
    let (images, logits) = (try #require(golden["images"]), try #require(golden["logits"]))
    let network = try StoredNetwork(checkpoint, network: "mobilenet_v2-1.0").network
    let own = withoutGradients { network.activations(of: images, .logits).requiredLogits() }
    let fused = FrozenNetwork(network).activations(of: images, .logits).requiredLogits()
    for value in [own, fused] {
      #expect((value - logits).norm().item < 1e-5 * logits.norm().item)
    }
  }
}
