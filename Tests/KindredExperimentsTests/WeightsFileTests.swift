// Weights of every family, told apart by their entries alone.

import Foundation
import KindredExperiments
import KindredVision
import TestSupport
import Testing
import Torch

@Suite struct WeightsFileTests {
  /// Names differ between families, or shapes do: another first layer, another place of the classifier.
  @Test(arguments: [
    "resnet-20", "vgg-8", "mobilenetv2-0.5", "shufflenetv1", "shufflenetv2-0.5", "resnet18", "mobilenetv1_025",
    "mobilenet_v2-0.35", "shufflenet_v2_x0_5",
  ])
  func weightsFitTheirOwnNetworkAlone(name: String) throws {
    let folder = try TestFolder()
    let architecture = try #require(Architecture(name: name))
    let network = architecture.network(classes: 7, inputChannels: 1, generator: Generator(seed: 1))
    let file = folder.url.appending(path: "weights.safetensors")
    // A wrapper's prefix, as DataParallel puts one.
    let entries = network.state.map { ("module.\($0.name)", $0.tensor.detached()) }
    try Safetensors.write(Dictionary(uniqueKeysWithValues: entries), to: file)
    let weights = try WeightsFile(file)
    #expect(weights.prefix == "module.")
    #expect(try weights.fittingNetworks().map(\.name) == [name])
    try weights.check(architecture)
  }
}
