// What is done to an image's bytes beside torchvision on Pillow's images, and what is drawn for it.

import Foundation
import GoldenFiles
import Kindred
import Testing
import Torch

@testable import KindredVision

@Suite struct ColorOperationTests {
  /// torchvision's names.
  private func name(_ operation: RandAugment.Operation) -> String {
    operation.rawValue.prefix(1).uppercased() + operation.rawValue.dropFirst()
  }

  /// All operations at several magnitudes of both signs, byte for byte.
  @Test(arguments: ["scene/colour", "scene/grey", "dull/colour", "dull/grey"], RandAugment.Operation.allCases)
  func operationsAreTorchvisionsOnPillow(image name: String, operation: RandAugment.Operation) throws {
    let golden = try Golden("augmentations")
    let image = try golden["\(name)/image"]
    let (height, width, channels) = (image.shape[0], image.shape[1], image.shape[2])
    let pixels = PixelImage(width: width, height: height, channels: channels, bytes: image.bytes())
    let expected = try golden["\(name)/\(self.name(operation))"]
    let amounts = try golden["magnitudes"].elements(as: Int64.self).flatMap { magnitude in
      let amount = operation.amount(Int(magnitude), width: width, height: height)
      return operation.isSigned ? [amount, -amount] : [amount]
    }
    #expect(expected.shape[0] == amounts.count)
    for (index, amount) in amounts.enumerated() {
      let wrong = zip(operation(pixels, amount).bytes, expected[index].bytes()).count { $0 != $1 }
      #expect(wrong == 0, "\(amount)")
    }
  }

  @Test func operationsAndSignsAreDrawnAlike() throws {
    var random = SplitMix64(key: 3)
    let choices = (0..<14_000).flatMap { _ in RandAugment(operations: 2).drawn(width: 32, height: 24, &random) }
    #expect(choices.count == 28_000)
    let counts = RandAugment.Operation.allCases.map { operation in choices.count { $0.operation == operation } }
    #expect(chiSquare(counts) < 34.5, "13 degrees of freedom, one in a thousand")
    let signed = choices.filter(\.operation.isSigned)
    let negative = signed.count { $0.amount < 0 }
    #expect(chiSquare([negative, signed.count - negative]) < 10.9, "one degree of freedom, one in a thousand")
  }

  /// On a grey surface, contrast and saturation have nothing to change; brightness is uniform.
  @Test(arguments: [1, 3]) func jitterIsUniform(channels: Int) {
    let surface = PixelImage(
      width: 2, height: 2, channels: channels, bytes: [UInt8](repeating: 100, count: 4 * channels))
    var random = SplitMix64(key: 4)
    var counts = [Int](repeating: 0, count: 80)
    for _ in 0..<20_000 {
      let bytes = ColorJitter(strength: 0.4)(surface, &random).bytes
      #expect(Set(bytes).count == 1)
      // A product on a whole number may be cut to it or to the one below.
      if (60..<140).contains(bytes[0]) { counts[Int(bytes[0]) - 60] += 1 }
    }
    #expect(counts.reduce(0, +) > 19_990)
    #expect(chiSquare(counts) < 123.6, "79 degrees of freedom, one in a thousand")
  }

  /// torchvision's own 60,000 rectangles in an image of 48 x 32: mean share 0.1689, log ratio -0.0625 of deviation 0.6695.
  @Test func rectanglesAreTorchvisions() throws {
    var random = SplitMix64(key: 5)
    let regions = (0..<60_000).compactMap { _ in RandomErasing.region(width: 48, height: 32, &random) }
    #expect(regions.count > 59_990)
    #expect(regions.allSatisfy { $0.x >= 0 && $0.y >= 0 && $0.x + $0.width <= 48 && $0.y + $0.height <= 32 })
    let count = Double(regions.count)
    let shares = regions.map { Double($0.width * $0.height) / (48 * 32) }
    let ratios = regions.map { log(Double($0.height) / Double($0.width)) }
    let mean = ratios.reduce(0, +) / count
    let deviation = (ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    #expect(abs(shares.reduce(0, +) / count - 0.1689) < 0.002)
    #expect(abs(mean + 0.0625) < 0.015 && abs(deviation - 0.6695) < 0.01)
  }
}

@Suite struct AugmentedBatchTests {
  private let augmentation = Augmentation(
    cropPadding: 2, flip: true, randAugment: RandAugment(), colorJitter: 0.4, randomErasing: 0.5)

  private func batches(
    _ images: ImageSet, _ augmentation: Augmentation, threads: Int = 1, from start: Int = 0
  ) throws -> [[Float]] {
    let plan = BatchPlan(count: images.count, batchSize: 8, seed: 6, augmentation: augmentation)
    let loader = BatchLoader(images: images, plan: plan, startBatch: start, endEpoch: 2, threads: threads)
    var all: [[Float]] = []
    while let batch = try loader.next() { all.append(Array(batch.images.pixels.elements)) }
    return all
  }

  @Test(arguments: [1, 3]) func batchesAreAFunctionOfThePlan(channels: Int) throws {
    let images = noiseSet(count: 40, width: 9, height: 7, channels: channels)
    let reference = try batches(images, augmentation)
    #expect(Set(reference).count == 10)
    #expect(try batches(images, augmentation, threads: 4) == reference)
    #expect(try batches(images, augmentation, threads: 2, from: 3) == Array(reference[3...]))
  }

  /// What comes after the geometry draws after it: the same crops and flips, and zeros where something is erased. No byte of
  /// these images is the mean.
  @Test func erasingLeavesTheRest() throws {
    let images = noiseSet(count: 400, width: 12, height: 12)
    let plain = try batches(images, Augmentation(cropPadding: 2, flip: true)).flatMap(\.self)
    let erased = try batches(images, Augmentation(cropPadding: 2, flip: true, randomErasing: 0.25)).flatMap(\.self)
    #expect(zip(plain, erased).allSatisfy { $0 == $1 || $1 == 0 })
    let count = (0..<800).count { image in erased[image * 432..<(image + 1) * 432].contains(0) }
    #expect((150...250).contains(count), "a quarter of 800")
  }

  /// Without a crop or a flip an image stays what evaluation sees of it.
  @Test func noGeometryIsDrawnWhereNoneIsAskedFor() throws {
    let images = noiseSet(count: 8, width: 20, height: 12).seen(side: 8, evaluatedSide: 10)
    let seen = try batches(images, .none)
    let erased = try batches(images, Augmentation(flip: false, randomErasing: 1))
    #expect(seen != erased)
    #expect(zip(seen, erased).allSatisfy { zip($0, $1).allSatisfy { $0 == $1 || $1 == 0 } })
  }

  @Test func aDeviceHoldsWhatItCanShow() {
    let images = noiseSet(count: 3)
    #expect(ResidentImages.canHold(images, Augmentation(cropPadding: 2, flip: true, mixup: 1, cutMix: 1)))
    for cannot in [
      Augmentation(flip: true, randAugment: RandAugment()), Augmentation(flip: true, colorJitter: 0.1),
      Augmentation(flip: true, randomErasing: 0.1), Augmentation(randomResizedCrop: 0.1, flip: true),
    ] {
      #expect(!ResidentImages.canHold(images, cannot))
    }
  }
}
