// Every network of the catalogue against PyTorch's of the same name: entries and costs of all, values of one or two of each
// family (Tests/Golden/families.py), and what is done to frozen ones.

import Foundation
import GoldenFiles
import Graph
import Kindred
import KindredVision
import TestSupport
import Testing
import Torch

/// The networks with golden values.
private let goldenNames = [
  "vgg-8", "mobilenetv2-0.5", "shufflenetv1", "shufflenetv2-0.5", "resnet-50-cifar", "resnet18", "resnet50",
  "mobilenetv1_025", "mobilenet_v2-0.35", "shufflenet_v2_x0_5",
]

@Suite struct CatalogueTests {
  struct StateDict: Decodable {
    let parameters: Int
    let multiplyAdds: Int
    let keys: [String]
    let shapes: [[Int]]
  }

  /// Names in PyTorch's order, shapes, and costs at the usual size.
  @Test func entriesAndCostsAreThoseOfPyTorch() throws {
    let file = try Golden.file("state-dicts", "json")
    let dicts = try JSONDecoder().decode([String: StateDict].self, from: Data(contentsOf: file))
    #expect(dicts.keys.sorted() == Architecture.suggestedNames.sorted())
    for (name, dict) in dicts {
      let architecture = try #require(Architecture(name: name))
      let network = architecture.network(classes: 10, generator: .undrawn)
      #expect(network.state.map(\.name) == dict.keys, "\(name)")
      #expect(network.state.map(\.tensor.shape) == dict.shapes, "\(name)")
      #expect(network.parameterCount == dict.parameters, "\(name)")
      #expect(architecture.parameterCount(classes: 10, inputChannels: 3) == dict.parameters, "\(name)")
      let side = architecture.family.imageSize
      let multiplyAdds = architecture.multiplyAdds(classes: 10, inputChannels: 3, inputHeight: side, inputWidth: side)
      #expect(multiplyAdds == dict.multiplyAdds, "\(name)")
      #expect(network.classifier?.weight.shape[0] == 10, "\(name)")
    }
  }

  /// Counted on RepDistiller's, torchvision's and timm's own networks; those of 10 and 47 classes are the sizes, in
  /// millions, that papers give for CINIC-10 and DTD.
  @Test(arguments: [
    (100, ["vgg-8": 3_965_028, "vgg-11": 9_277_284, "vgg-13": 9_462_180, "vgg-16": 14_774_436, "vgg-19": 20_086_692]),
    (
      100,
      [
        "mobilenetv2-0.5": 812_836, "shufflenetv1": 949_258, "shufflenetv2-1": 1_355_528, "resnet-50-cifar": 23_705_252,
      ]
    ),
    (10, ["mobilenetv2-0.35": 399_618, "mobilenetv2-0.5": 697_546, "mobilenetv2-1.0": 2_237_770]),
    (10, ["shufflenetv2-0.5": 351_466, "shufflenetv2-1": 1_263_278, "shufflenetv2-2": 5_337_450]),
    (1000, ["resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "mobilenetv1_100": 4_231_976]),
    (
      1000,
      [
        "mobilenet_v2-0.35": 1_677_128, "mobilenet_v2-0.5": 1_968_680, "mobilenet_v2-1.0": 3_504_872,
        "mobilenet_v2-1.4": 6_108_776,
      ]
    ),
    (
      1000,
      ["shufflenet_v2_x0_5": 1_366_792, "shufflenet_v2_x1_0": 2_278_604, "shufflenet_v2_x2_0": 7_393_996]
    ),
    (47, ["mobilenet_v2-0.35": 456_335, "mobilenet_v2-1.0": 2_284_079, "mobilenet_v2-1.4": 4_400_047]),
    (47, ["mobilenetv1_025": 225_151, "mobilenetv1_050": 842_703, "mobilenetv1_100": 3_255_151]),
  ])
  func parameterCounts(classes: Int, counts: [String: Int]) throws {
    for (name, count) in counts {
      let architecture = try #require(Architecture(name: name))
      #expect(architecture.parameterCount(classes: classes, inputChannels: 3) == count, "\(name)")
    }
  }

  /// C x H x W at the usual size, as RepDistiller's features and torchvision's modules have them.
  @Test(arguments: [
    ("vgg-8", "64x32x32 128x16x16 256x8x8 512x4x4 512x4x4 512x4x4 512"),
    ("vgg-19", "64x32x32 128x16x16 256x8x8 512x4x4 512x4x4 512x4x4 512"),
    ("mobilenetv2-0.5", "16x16x16 12x16x16 16x8x8 48x4x4 160x2x2 1280x2x2 1280"),
    ("shufflenetv1", "24x32x32 240x16x16 480x8x8 960x4x4 960x4x4 960"),
    ("shufflenetv2-1", "24x32x32 116x16x16 232x8x8 464x4x4 1024x4x4 1024"),
    ("resnet-50-cifar", "64x32x32 256x32x32 512x16x16 1024x8x8 2048x4x4 2048x4x4 2048"),
    ("resnet18", "64x112x112 64x56x56 128x28x28 256x14x14 512x7x7 512x7x7 512"),
    ("resnet50", "64x112x112 256x56x56 512x28x28 1024x14x14 2048x7x7 2048x7x7 2048"),
    ("mobilenetv1_100", "32x112x112 128x56x56 256x28x28 512x14x14 1024x7x7 1024x7x7 1024"),
    ("mobilenet_v2-1.0", "32x112x112 24x56x56 32x28x28 96x14x14 320x7x7 1280x7x7 1280"),
    ("shufflenet_v2_x1_0", "24x112x112 116x28x28 232x14x14 464x7x7 1024x7x7 1024"),
  ])
  func shapesOfTaps(name: String, shapes: String) throws {
    let architecture = try #require(Architecture(name: name))
    let side = architecture.family.imageSize
    let found = architecture.description(classes: 10, image: (3, side, side)).taps
    let taps = architecture.taps.filter { !$0.hasSuffix(".pre") }
    #expect(
      taps.map { found[$0, default: []].map(String.init).joined(separator: "x") }.joined(separator: " ") == shapes)
    for tap in architecture.taps where tap.hasSuffix(".pre") { #expect(found[tap] == found[String(tap.dropLast(4))]) }
  }

  /// Sizes that no stride divides, and small ones.
  @Test func imagesMayHaveAnySize() throws {
    let others = Architecture.suggestedNames.filter { !$0.hasPrefix("wrn") && !$0.hasPrefix("resnet-") }
    for name in others {
      let network = try #require(Architecture(name: name)).network(classes: 3, inputChannels: 1, generator: .undrawn)
      network.evaluate()
      for (height, width) in [(35, 45), (20, 17)] {
        let logits = withoutGradients { network.activations(of: .ones([2, 1, height, width]), .logits) }
        #expect(logits.requiredLogits().shape == [2, 3], "\(name)")
      }
    }
  }

  /// What a norm before a ReLU gives to OFD: the last of each stage's main branch.
  @Test func normsBeforeReLUs() throws {
    for (name, norms) in [
      ("vgg-13", ["block1.4", "block2.4", "block3.4", "block4.4"]),
      ("resnet50", ["layer1.2.bn3", "layer2.3.bn3", "layer3.5.bn3", "layer4.2.bn3"]),
      ("mobilenetv1_025", ["blocks.1.1.bn2", "blocks.2.1.bn2", "blocks.3.5.bn2", "blocks.4.1.bn2"]),
      ("mobilenetv2-0.5", ["blocks.1.1.conv.7", "blocks.2.2.conv.7", "blocks.4.2.conv.7", "blocks.6.0.conv.7"]),
      ("shufflenetv2-0.5", []),
    ] {
      let network = try #require(Architecture(name: name)).network(classes: 10, generator: .undrawn)
      let found = network.normalizations(of: [3, 32, 32]).filter { $0.key.hasSuffix(".pre") }
      let state = Dictionary(uniqueKeysWithValues: network.state)
      #expect(found.count == norms.count)
      for (index, norm) in norms.enumerated() {
        #expect(found["stage\(index + 1).pre"]?.weight === state["\(norm).weight"], "\(name)")
      }
    }
  }
}

@Suite struct FamilyValueTests {
  /// Draws of 16 normal numbers and more may differ in the last bit between machines.
  @Test(arguments: goldenNames)
  func initialWeightsArePyTorchs(name: String) throws {
    let expected = try Golden("families/\(name)")["init"]
    let state = try network(name).state.filter { $0.tensor.dtype.isFloatingPoint }
    #expect(state.count == expected.shape[0])
    for (row, (entry, tensor)) in state.enumerated() {
      expect(fingerprint(tensor), expected[row], tensor.count, tolerance: 1e-6, entry)
    }
  }

  /// One step's gradients and running statistics, then the logits and all taps in evaluation mode, in float64, so that no
  /// rounding decides on which side of a ReLU's kink a value falls.
  @Test(arguments: goldenNames)
  func aStepAgreesWithPyTorch(name: String) throws {
    let (golden, network) = (try Golden("families/\(name)"), try network(name))
    let side = try #require(Architecture(name: name)).family.imageSize == 32 ? 32 : 64
    let images = Generator(seed: 4).uniform([4, 3, side, side], -2..<2).to(.float64)
    for (_, tensor) in network.state where tensor.dtype.isFloatingPoint {
      tensor.setData(tensor.detached().to(.float64))
    }
    let all = try #require(Architecture(name: name)).everything
    let found = network.activations(of: images, all)
    #expect(relativeError(found.requiredLogits(), try golden["train"]) < 1e-5)
    let crossEntropy = found.requiredLogits().crossEntropy(labels: Tensor([3, 0, 9, 3] as [Int64], shape: [4]))
    all.taps.sorted().reduce(crossEntropy) { $0 + found.tap($1).squared().mean() }.backward()
    let floating = network.state.filter { $0.tensor.dtype.isFloatingPoint }
    for (row, (entry, tensor)) in floating.filter({ $0.tensor.requiresGradient }).enumerated() {
      let gradient = try #require(tensor.gradient, "\(entry)")
      expect(fingerprint(gradient), try golden["gradient"][row], gradient.count, tolerance: 1e-4, entry)
    }
    for (row, (entry, tensor)) in floating.filter({ !$0.tensor.requiresGradient }).enumerated() {
      expect(fingerprint(tensor), try golden["after"][row], tensor.count, tolerance: 1e-5, entry)
    }
    network.evaluate()
    let evaluated = withoutGradients { network.activations(of: images, all) }
    #expect(relativeError(evaluated.requiredLogits(), try golden["eval"]) < 1e-5)
    #expect(golden.tensors.keys.filter { $0.hasPrefix("eval/") }.count == all.taps.count)
    for tap in all.taps {
      let tensor = evaluated.tap(tap)
      expect(tapFingerprint(tensor), try golden["eval/\(tap)"], tensor.count, tolerance: 1e-4, tap)
    }
  }

  /// A network of 10 classes as PyTorch builds it after `torch.manual_seed(3)`, without dropout.
  private func network(_ name: String) throws -> Network {
    let network = try #require(Architecture(name: name)).network(classes: 10, generator: Generator(seed: 3))
    for case let dropout as Dropout in network.modules { dropout.ratio = 0 }
    return network
  }

  private func expect(_ actual: [Double], _ expected: Tensor, _ count: Int, tolerance: Double, _ place: String) {
    #expect(agree(actual, expected, count: count, tolerance: tolerance, rounding: 1e-12), "\(place)")
  }
}

@Suite struct DropoutFamilyTests {
  /// The logits of a training step are the classifier's of what is left of the pooled features; those of evaluation are
  /// untouched. What is not traced drops the same.
  @Test func mobileNetV2DropsPooledFeatures() throws {
    let network = try #require(Architecture(name: "mobilenet_v2-0.35")).network(
      classes: 10, generator: Generator(seed: 3))
    let images = Generator(seed: 4).normal([4, 3, 64, 64])
    let request = ActivationRequest(logits: true, taps: ["pooled"])
    func step(_ seed: UInt64) -> Activations {
      StepSeed.$current.withValue(seed) { network.activations(of: images, request) }
    }
    let first = step(1)
    #expect(step(1).requiredLogits().bytes() == first.requiredLogits().bytes())
    #expect(step(2).requiredLogits().bytes() != first.requiredLogits().bytes())
    let classifier = try #require(network.classifier)
    // The gradient of the logits' sum is the classifier's weights, summed over classes, times the mask.
    let pooled = first.tap("pooled")
    let gradient = try #require(first.requiredLogits().sum().gradients(of: [pooled])[0])
    let mask = gradient / classifier.weight.sum([0])
    let values = mask.elements(as: Double.self)
    #expect(values.allSatisfy { $0 == 0 || abs($0 - 1.25) < 1e-3 })
    let share = Double(values.count { $0 == 0 }) / Double(values.count)
    // 5,120 draws: five deviations.
    #expect(abs(share - 0.2) < 0.028)
    let expected = (pooled * mask).linear(classifier.weight, bias: classifier.bias)
    #expect(relativeError(first.requiredLogits(), expected) < 1e-4)
    let written = StepSeed.$current.withValue(1) {
      DropoutPlaces.counted { network.forward(images, Taps()) }
    }
    #expect(relativeError(try #require(written), first.requiredLogits()) < 1e-5)

    network.evaluate()
    let evaluated = withoutGradients { network.activations(of: images, request) }
    let plain = evaluated.tap("pooled").linear(classifier.weight, bias: classifier.bias)
    #expect(evaluated.requiredLogits().bytes() == plain.bytes())
    #expect(network.hasDropout)
    for name in ["mobilenetv2-0.5", "resnet18"] {
      #expect(try #require(Architecture(name: name)).network(classes: 10, generator: .undrawn).hasDropout == false)
    }
  }
}

@Suite struct FrozenFamilyTests {
  /// Every tap is asked for: a later block must not write over an earlier one's output. On noise, 8 bits moved the logits by
  /// up to 8 per cent.
  @Test(arguments: Architecture.suggested)
  func frozenNetworksAreThePlainOnes(architecture: Architecture) throws {
    let (side, all) = (architecture.family.imageSize == 32 ? 16 : 48, architecture.everything)
    let network = try usedNetwork(architecture.name, side: side)
    let generator = Generator(seed: 2)
    let batches = [(3, MemoryLayout4D.channelsLast), (1, .contiguous), (8, .channelsLast)].map { count, layout in
      generator.normal([count, 3, side, side]).contiguous(layout)
    }
    let plain = withoutGradients { batches.map { network.activations(of: $0, all) } }
    let frozen = FrozenNetwork(network)
    for (batch, expected) in zip(batches, plain) {
      let actual = frozen.activations(of: batch, all)
      #expect(distance(actual.requiredLogits(), expected.requiredLogits()) < 1e-4)
      for tap in all.taps { #expect(distance(actual.tap(tap), expected.tap(tap)) < 1e-4, "\(tap)") }
    }
    let count = try frozen.quantize(on: [batches[2]], all)
    #expect(count.quantized > count.convolutions / 2)
    let (actual, expected) = (frozen.activations(of: batches[2], .logits).requiredLogits(), plain[2].requiredLogits())
    #expect((actual - expected).norm().item / expected.norm().item < 0.3)
  }

  /// `relativeError`, computed by libtorch: there are many numbers here.
  private func distance(_ actual: Tensor, _ expected: Tensor) -> Double {
    (actual - expected).abs().maximum().item / expected.abs().maximum().item
  }
}
