// The networks against PyTorch's of the same name and seed, and folded networks against plain ones.

import Foundation
import GoldenFiles
import Kindred
import KindredVision
import TestSupport
import Testing
import Torch

/// The networks with golden values.
private let goldenNames = ["wrn-16-1", "wrn-40-2", "resnet-8", "resnet-20", "resnet-8x4"]
/// Those with golden values of all taps.
private let tappedNames = ["wrn-16-1", "wrn-16-2", "resnet-8", "resnet-8x4"]

/// A network of 10 classes as PyTorch builds it after `torch.manual_seed(3)`.
private func network(_ name: String) throws -> Network {
  try #require(Architecture(name: name)).network(classes: 10, generator: Generator(seed: 3))
}

@Suite struct NetworkTests {
  /// Draws of 16 normal numbers and more may differ in the last bit between machines.
  @Test(arguments: goldenNames)
  func initialWeightsArePyTorchs(name: String) throws {
    let golden = try Golden("networks")
    for (entry, tensor) in try network(name).state where tensor.dtype.isFloatingPoint {
      let expected = try golden["\(name)/init/\(entry)"]
      let actual = Array(fingerprint(tensor).prefix(expected.count))
      #expect(agree(actual, expected, count: tensor.count, tolerance: 1e-6), "\(entry)")
    }
  }

  /// A pass in training mode and then one in evaluation mode, as they are run: float32 through up to 40 layers.
  @Test(arguments: goldenNames)
  func passesAgreeWithPyTorch(name: String) throws {
    let golden = try Golden("networks")
    let network = try network(name)
    let input = try golden["input"].contiguous(.channelsLast)
    let logits = network.activations(of: input, .logits).requiredLogits()
    #expect(relativeError(logits, try golden["\(name)/train/logits"]) < 1e-4)
    #expect(relativeError(logits.crossEntropy(labels: try golden["labels"]), try golden["\(name)/train/loss"]) < 1e-5)
    network.evaluate()
    let evaluated = withoutGradients { network.activations(of: input, everything) }
    #expect(relativeError(evaluated.requiredLogits(), try golden["\(name)/eval/logits"]) < 1e-4)
    for stage in stages {
      let (tensor, expected) = (evaluated.tap(stage), try golden["\(name)/eval/\(stage)"])
      #expect(agree(tapFingerprint(tensor), expected, count: tensor.count, tolerance: 1e-3), "\(stage)")
    }
    if let whole = golden.tensors["\(name)/eval/stage3-first"] {
      #expect(relativeError(evaluated.tap("stage3")[0], whole) < 1e-4)
    }
  }

  /// In float64, so that no rounding decides on which side of a ReLU's kink a value falls: between memory layouts in
  /// float32 PyTorch's own gradients of wrn-16-1 differ by half a percent for that reason.
  @Test(arguments: goldenNames.filter { $0 != "wrn-40-2" })
  func gradientsAndStatisticsAgreeWithPyTorch(name: String) throws {
    let golden = try Golden("networks")
    let network = try network(name)
    for (_, tensor) in network.state where tensor.dtype.isFloatingPoint {
      tensor.setData(tensor.detached().to(.float64))
    }
    let logits = network.activations(of: try golden["input"].to(.float64), .logits).requiredLogits()
    #expect(relativeError(logits, try golden["\(name)/train/logits"]) < 1e-5)
    logits.crossEntropy(labels: try golden["labels"]).backward()
    for (entry, tensor) in network.state where tensor.dtype.isFloatingPoint {
      let isParameter = tensor.requiresGradient
      let value = isParameter ? try #require(tensor.gradient, "\(entry)") : tensor
      let expected = try golden["\(name)/\(isParameter ? "gradient" : "after")/\(entry)"]
      #expect(agree(fingerprint(value), expected, count: value.count, tolerance: 1e-4), "\(entry)")
    }
  }

  /// All taps after a pass in training mode, and their shapes as they are known beforehand.
  @Test(arguments: tappedNames)
  func tapsAgreeWithPyTorch(name: String) throws {
    let (golden, network) = (try Golden("taps"), try network(name))
    let input = try Golden("networks")["input"].contiguous(.channelsLast)
    let description = try #require(Architecture(name: name)).description(classes: 10, image: (3, 32, 32))
    #expect(description.taps.keys.sorted() == taps.sorted())
    withoutGradients {
      _ = network.activations(of: input, .logits)
      network.evaluate()
    }
    let found = withoutGradients { network.activations(of: input, everything) }
    for tap in taps {
      let tensor = found.tap(tap)
      #expect(Array(tensor.shape.dropFirst()) == description.taps[tap], "\(tap)")
      let expected = try golden["\(name)/eval/\(tap)"]
      #expect(agree(tapFingerprint(tensor), expected, count: tensor.count, tolerance: 1e-3), "\(tap)")
    }
  }

  /// Losses at all taps and at the logits reach every parameter as they do in PyTorch: taps lie on the way to the logits,
  /// and batch norms are passed once.
  @Test(arguments: tappedNames)
  func gradientsOfTapsAgreeWithPyTorch(name: String) throws {
    let (golden, inputs, network) = (try Golden("taps"), try Golden("networks"), try network(name))
    for (_, tensor) in network.state where tensor.dtype.isFloatingPoint {
      tensor.setData(tensor.detached().to(.float64))
    }
    let activations = network.activations(of: try inputs["input"].to(.float64), everything)
    let crossEntropy = activations.requiredLogits().crossEntropy(labels: try inputs["labels"])
    let reached = crossEntropy.gradients(of: taps.map { activations.tap($0) }, keepingGraph: true)
    for (tap, gradient) in zip(taps, reached) { #expect(gradient != nil, "cross-entropy does not reach \(tap)") }
    taps.reduce(crossEntropy) { $0 + activations.tap($1).squared().mean() }.backward()
    for (entry, tensor) in network.state {
      if entry.hasSuffix("num_batches_tracked") { #expect(tensor.item == 1, "\(entry)") }
      guard tensor.requiresGradient else { continue }
      let (gradient, expected) = (try #require(tensor.gradient), try golden["\(name)/gradient/\(entry)"])
      #expect(agree(fingerprint(gradient), expected, count: gradient.count, tolerance: 1e-4), "\(entry)")
    }
  }

  /// The batch norms that OFD takes its margins from.
  @Test func normsBeforeReLUsAreTheBenchmarks() throws {
    for (name, norms) in [
      ("wrn-16-2", ["block2.layer.0.bn1", "block3.layer.0.bn1", "bn1"]),
      ("resnet-20", ["layer1.2.bn2", "layer2.2.bn2", "layer3.2.bn2"]),
    ] {
      let network = try network(name)
      let found = network.normalizations(of: [3, 32, 32])
      #expect(found.keys.sorted() == stages.map { $0 + ".pre" })
      let state = Dictionary(uniqueKeysWithValues: network.state)
      for (stage, norm) in zip(stages, norms) { #expect(found[stage + ".pre"]?.weight === state["\(norm).weight"]) }
    }
  }

  /// What a method does not ask for is not computed or kept, and what it asks for does not depend on the rest.
  @Test(arguments: ["wrn-16-1", "resnet-8"])
  func requestsAreServedAlone(name: String) throws {
    let network = try network(name)
    network.evaluate()
    let input = Generator(seed: 1).normal([2, 3, 32, 32])
    withoutGradients {
      let all = network.activations(of: input, everything)
      for tap in taps {
        let one = network.activations(of: input, ActivationRequest(taps: [tap]))
        #expect(one.logits == nil)
        #expect(Array(one.taps.keys) == [tap])
        #expect(one.tap(tap).bytes() == all.tap(tap).bytes())
      }
      let logits = network.activations(of: input, .logits)
      #expect(logits.taps.isEmpty)
      #expect(logits.requiredLogits().bytes() == all.requiredLogits().bytes())
    }
  }

  /// A Wide ResNet's stage is the raw residual sum, a ResNet's comes after the ReLU; what the ReLU sees and gives.
  @Test func tapsAreTakenWhereTheyAreSaidToBe() throws {
    let input = Generator(seed: 1).normal([2, 3, 32, 32])
    let wide = try network("wrn-16-1").activations(of: input, everything)
    let plain = try network("resnet-8").activations(of: input, everything)
    for tap in stages {
      #expect(wide.tap(tap).minimum().item < -0.1)
      #expect(plain.tap(tap).minimum().item == 0)
      #expect(plain.tap("\(tap).pre").relu().bytes() == plain.tap(tap).bytes())
    }
    #expect(wide.tap("stage3.pre").relu().bytes() == wide.tap("last").bytes())
    #expect(plain.tap("stage3").bytes() == plain.tap("last").bytes())
    #expect(wide.tap("stage3").shape == [2, 64, 8, 8] && plain.tap("stage2").shape == [2, 32, 16, 16])
  }
}

@Suite struct NetworkFoldTests {
  /// Every tap is asked for: a later block must not write its sum over an earlier stage's output. Batches of another
  /// size and layout than the first go through the same packed weights.
  @Test(arguments: ["wrn-16-1", "wrn-16-2", "wrn-40-2", "resnet-8", "resnet-20", "resnet-8x4"])
  func foldedNetworkIsThePlainOne(name: String) throws {
    let (plain, folded) = (try usedNetwork(name), try usedNetwork(name))
    let frozen = FrozenNetwork(folded)
    let generator = Generator(seed: 2)
    for (count, layout) in [(2, MemoryLayout4D.channelsLast), (2, .contiguous), (5, .channelsLast), (1, .contiguous)] {
      let input = generator.normal([count, 3, 32, 32]).contiguous(layout)
      let before = input.bytes()
      let (expected, actual) = withoutGradients {
        (plain.activations(of: input, everything), frozen.activations(of: input, everything))
      }
      #expect(relativeError(actual.requiredLogits(), expected.requiredLogits()) < 1e-4, "\(count) images \(layout)")
      for tap in taps {
        #expect(relativeError(actual.tap(tap), expected.tap(tap)) < 1e-4, "\(tap) of \(count) images \(layout)")
      }
      #expect(input.bytes() == before, "the input was written over")
    }
  }

  /// The state is that of the plain network, so that a folded teacher's weights can still be written.
  @Test func foldingLeavesTheStateAlone() throws {
    let network = try usedNetwork("resnet-8")
    let before = (names: network.state.map(\.name), bytes: network.bytes)
    _ = FrozenNetwork(network).activations(of: .zeros([1, 3, 32, 32]), everything)
    #expect(network.state.map(\.name) == before.names && network.bytes == before.bytes)
  }
}
