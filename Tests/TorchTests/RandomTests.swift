// Random numbers and default initialisation: PyTorch's, to the bit.

import GoldenFiles
import Testing
import Torch

@Suite struct RandomTests {
  /// One generator gives all draws, in the order of the golden script: a draw that took too much would shift the next.
  @Test func drawsArePyTorchs() throws {
    let golden = try Golden("torch")
    let generator = Generator(seed: 1)
    #expect(generator.uniform([5], -1..<2).bytes() == (try golden["random/uniform"].bytes()))
    #expect(generator.normal([10], mean: 1, deviation: 2).bytes() == (try golden["random/normal"].bytes()))
    // Sixteen normal draws or more go through vector instructions, whose last bit differs between machines.
    #expect(relativeError(generator.normal([37]), try golden["random/normal-long"]) < 1e-6)
    #expect(generator.uniform([4], dtype: .float64).bytes() == (try golden["random/uniform-f64"].bytes()))
    #expect(relativeError(generator.normal([20], dtype: .float64), try golden["random/normal-f64"]) < 1e-14)
    #expect(generator.permutation(20).bytes() == (try golden["random/permutation"].bytes()))
    // PyTorch drew eight integers here, each of which takes one word of the generator, as a uniform number does.
    _ = generator.uniform([8])
    #expect(generator.uniform([3]).bytes() == (try golden["random/uniform-last"].bytes()))
  }

  @Test func stateComesBack() {
    let generator = Generator(seed: 42)
    _ = generator.normal([3])
    let state = generator.state
    let first = generator.normal([40]).bytes() + generator.permutation(9).bytes()
    let other = Generator(seed: 7)
    other.state = state
    #expect(other.normal([40]).bytes() + other.permutation(9).bytes() == first)
    #expect(Generator(seed: 7).normal([40]).bytes() != Array(first.prefix(160)))
  }

  @Test func defaultInitialisationIsPyTorchs() throws {
    let golden = try Golden("torch")
    let generator = Generator(seed: 7)
    let convolution = Convolution(3, 8, kernel: 3, .init(padding: 1), generator: generator)
    let grouped = Convolution(8, 8, kernel: 3, .init(groups: 2), bias: false, generator: generator)
    let linear = Linear(10, 5, generator: generator)
    let layers: [(String, Module)] = [
      ("convolution", convolution), ("grouped", grouped), ("linear", linear), ("norm", BatchNorm(8)),
    ]
    for (layer, module) in layers {
      for (name, tensor) in module.state {
        let expected = try golden["init/\(layer).\(name)"]
        #expect(tensor.shape == expected.shape && tensor.dtype == expected.dtype, "\(layer).\(name)")
        #expect(tensor.bytes() == expected.bytes(), "\(layer).\(name)")
      }
    }
    let names = layers.flatMap { layer, module in module.state.map { "init/\(layer).\($0.name)" } }
    #expect(Set(names) == Set(golden.tensors.keys.filter { $0.hasPrefix("init/") }))
  }
}
