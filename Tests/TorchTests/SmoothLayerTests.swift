// Activations without kinks and norms of each input, as layers of a network that PyTorch has trained as well.

import Foundation
import GoldenFiles
import Graph
import TestSupport
import Testing
import Torch

@Suite struct SmoothLayerTests {
  /// What belongs to the network under one of the file's headings, by its own names.
  private func entries(_ heading: String, of golden: Golden) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: golden.tensors.filter { $0.key.hasPrefix(heading) }.map {
        (String($0.key.dropFirst(heading.count)), $0.value)
      })
  }

  @Test func trainsAsInPyTorch() throws {
    let golden = try Golden("smooth")
    let network = SmoothNetwork()
    try network.load(entries("start/", of: golden))
    let (images, labels) = (try golden["images"], try golden["labels"])
    let optimizer = SGD(network.parameters, learningRate: 0.1, momentum: 0.9)
    for step in 0..<3 {
      let logits = try #require(network.forward(images, Taps()))
      logits.crossEntropy(labels: labels).backward()
      if step == 0 {
        #expect(relativeError(logits, try golden["logits"]) < 1e-5)
        for (name, tensor) in network.state {
          let error = relativeError(try #require(tensor.gradient), try golden["gradient/\(name)"])
          #expect(error < 1e-4, "\(name)")
        }
      }
      optimizer.step()
    }
    for (name, tensor) in network.state {
      #expect(relativeError(tensor, try golden["trained/\(name)"]) < 1e-4, "\(name)")
    }
  }

  /// The names in a file are those of PyTorch's `state_dict`, and what was saved is what is read.
  @Test func filesHavePyTorchsNames() throws {
    let golden = try Golden("smooth")
    try withTestFolder { folder in
      let network = SmoothNetwork(seed: 2)
      let file = folder.appending(path: "smooth.safetensors")
      try network.save(to: file.path)
      #expect(try Set(Safetensors.read(file).tensors.keys) == Set(entries("start/", of: golden).keys))
      let again = try SmoothNetwork(seed: 3).loaded(from: file.path)
      for ((name, one), (_, other)) in zip(network.state, again.state) {
        #expect(one.bytes() == other.bytes(), "\(name)")
      }
    }
  }
}
