/// The counts and shapes here were read off PyTorch models of the same structure: parameters by `numel`, multiply-adds by
/// forward hooks on every convolution and linear layer, shapes from a forward pass of one image.

import KindredVision
import Testing
import Torch

@Suite struct ArchitectureTests {
  @Test(arguments: [
    ("wrn-10-1", 77_850, 12_501_632), ("wrn-16-1", 175_066, 26_657_408), ("wrn-16-2", 691_674, 101_106_944),
    ("wrn-40-1", 563_930, 83_280_512), ("wrn-40-2", 2_243_546, 327_599_360), ("wrn-16-8", 10_961_370, 1_548_145_664),
    ("wrn-28-10", 36_479_194, 5_243_328_768), ("resnet-8", 78_042, 12_501_632), ("resnet-14", 175_258, 26_657_408),
    ("resnet-20", 272_474, 40_813_184), ("resnet-32", 466_906, 69_124_736), ("resnet-44", 661_338, 97_436_288),
    ("resnet-56", 855_770, 125_747_840), ("resnet-110", 1_730_714, 253_149_824),
    ("resnet-8x4", 1_210_410, 177_048_064), ("resnet-32x4", 7_410_730, 1_083_017_728),
  ])
  func costsOnCIFAR10(name: String, parameters: Int, multiplyAdds: Int) throws {
    let network = try #require(Architecture(name: name))
    #expect(network.parameterCount(classes: 10, inputChannels: 3) == parameters)
    #expect(network.multiplyAdds(classes: 10, inputChannels: 3, inputHeight: 32, inputWidth: 32) == multiplyAdds)
  }

  /// The figures that papers print, in millions.
  @Test(arguments: [("16-1", 0.18), ("40-1", 0.56), ("16-2", 0.69), ("40-2", 2.24), ("16-8", 10.96)])
  func publishedSizes(name: String, millions: Double) throws {
    let count = try #require(Architecture(name: "wrn-" + name)).parameterCount(classes: 10, inputChannels: 3)
    #expect((Double(count) / 1e4).rounded() / 100 == millions)
  }

  /// As a student of images that nobody has sorted is.
  @Test(arguments: Networks.families.compactMap(\.names.first))
  func aNetworkMayHaveNoClasses(name: String) throws {
    let architecture = try #require(Architecture(name: name))
    let network = architecture.network(classes: 0, generator: Generator(seed: 1))
    #expect(network.classifier?.weight.shape[0] == 0)
    #expect(network.parameterCount == architecture.parameterCount(classes: 0, inputChannels: 3))
  }

  @Test func costsFollowClassesAndImages() throws {
    let wide = try #require(Architecture(name: "wrn-40-2"))
    #expect(wide.parameterCount(classes: 100, inputChannels: 3) == 2_255_156)
    #expect(wide.multiplyAdds(classes: 100, inputChannels: 3, inputHeight: 32, inputWidth: 32) == 327_610_880)
    let small = try #require(Architecture(name: "resnet-20"))
    #expect(small.parameterCount(classes: 10, inputChannels: 1) == 272_186)
    #expect(small.multiplyAdds(classes: 10, inputChannels: 1, inputHeight: 28, inputWidth: 28) == 31_021_952)
    let odd = try #require(Architecture(name: "wrn-16-2"))
    #expect(odd.parameterCount(classes: 47, inputChannels: 3) == 696_447)
    #expect(odd.multiplyAdds(classes: 47, inputChannels: 3, inputHeight: 35, inputWidth: 37) == 135_012_560)
  }

  @Test(arguments: [
    ("wrn-16-2", 32, 32, [[32, 32, 32], [64, 16, 16], [128, 8, 8]]),
    ("wrn-16-2", 35, 37, [[32, 35, 37], [64, 18, 19], [128, 9, 10]]),
    ("resnet-20", 28, 28, [[16, 28, 28], [32, 14, 14], [64, 7, 7]]),
    ("resnet-8x4", 32, 32, [[64, 32, 32], [128, 16, 16], [256, 8, 8]]),
  ])
  func tapShapes(name: String, height: Int, width: Int, shapes: [[Int]]) throws {
    let taps = try #require(Architecture(name: name)).description(classes: 10, image: (3, height, width)).taps
    for (index, shape) in shapes.enumerated() {
      #expect(taps["stage\(index + 1)"] == shape && taps["stage\(index + 1).pre"] == shape)
    }
    #expect(taps["last"] == shapes[2] && taps["pooled"] == [shapes[2][0]])
    #expect(taps["stem"] == [name == "resnet-8x4" ? 32 : 16, height, width])
  }

  @Test func tapsComeInTheirOrder() throws {
    let network = try #require(Architecture(name: "wrn-16-1"))
    #expect(
      network.taps == [
        "stem", "stage1", "stage1.pre", "stage2", "stage2.pre", "stage3", "stage3.pre", "last", "pooled",
      ])
  }

  @Test func namesComeBack() {
    for name in Architecture.suggestedNames + ["wrn-10-1", "wrn-100-20", "wrn-22-3"] {
      #expect(Architecture(name: name)?.name == name)
    }
  }

  @Test(arguments: [
    "", "wrn", "wrn-16", "wrn-17-2", "wrn-4-1", "wrn-106-1", "wrn-16-0", "wrn-16-21", "wrn-16-2-1", "wrn-016-2",
    "wrn-16-+2", "WRN-16-2", "wrn_16_2", "resnet-18", "resnet-20x4", "resnet-8x2", "resnet-", "vgg-14", "vgg13",
    "resnet-50", "mobilenetv2", "wrn--16-2",
  ])
  func otherNamesAreRefused(name: String) {
    #expect(Architecture(name: name) == nil)
  }
}
