// Mixed batches beside torchvision's, their cross-entropy beside PyTorch's, and the shares beside their distribution.

import Foundation
import GoldenFiles
import Kindred
import Testing
import Torch

@testable import KindredVision

@Suite struct BatchMixerTests {
  private static let mixups: [Float] = [0.8125, 0.28125, 1]
  private static let boxes: [(Double, Int, Int)] = [(0.5, 6, 4), (0.1875, 0, 7), (0.75, 11, 1), (1, 3, 3), (0, 5, 5)]

  private func check(_ form: BatchMixer.Form, _ name: String) throws {
    let golden = try Golden("augmentations")
    let position = BatchPosition()
    let batch = Batch(try golden["batch"], labels: try golden["labels"], position: position)
    let mixed = BatchMixer(form: form, width: 12, height: 8)(batch)
    let expected = try golden["\(name)/batch"]
    #expect(mixed.student.bytes() == expected.bytes())
    #expect(mixed.teacher === mixed.student)
    let share = try #require(mixed.mixing?.share.item)
    #expect((0.5...1).contains(share))
    for smoothing in [0, 0.1] {
      let step = Step(student: Activations(logits: try golden["logits"]), batch: mixed)
      let loss = CrossEntropy(labelSmoothing: smoothing)(step).item
      let wanted = try golden["\(name)/cross-entropy/\(smoothing == 0 ? "0" : "0.1")"].item
      // Shares of boxes are thirds, in single precision there and here.
      #expect(abs(loss - wanted) < 3e-7 * wanted, "\(name)")
    }
  }

  @Test(arguments: mixups) func mixupIsTorchvisions(share: Float) throws {
    try check(.mixup(share: share), "mixup/\(share)")
  }

  @Test(arguments: boxes) func cutMixIsTorchvisions(kept: Double, x: Int, y: Int) throws {
    try check(.cutMix(BatchMixer.region(12, 8, kept: kept, around: (x, y))), "cutmix/\(kept)/\(x)/\(y)")
  }

  /// The larger part of each image is the one that labels and indices name.
  @Test func labelsAreThoseOfTheLargerParts() throws {
    let batch = Batch(
      Tensor([0, 1, 2] as [Float], shape: [3, 1, 1, 1]), labels: Tensor([5, 6, 7] as [Int64], shape: [3]),
      indices: Tensor([50, 60, 70] as [Int64], shape: [3]), position: BatchPosition())
    func parts(_ share: Float) throws -> [[Int64]] {
      let mixed = BatchMixer(form: .mixup(share: share), width: 1, height: 1)(batch)
      return [try #require(mixed.labels), mixed.indices, try #require(mixed.mixing).labels].map { $0.elements() }
    }
    #expect(try parts(0.75) == [[5, 6, 7], [50, 60, 70], [7, 5, 6]])
    #expect(try parts(0.25) == [[7, 5, 6], [70, 50, 60], [5, 6, 7]])
  }

  private struct Content: Equatable {
    let position: BatchPosition
    let pixels: [UInt8]
    let isChannelsLast: Bool
    let labels: [Int64]
    let indices: [Int64]
    let others: [Int64]
    let share: Double

    init(_ batch: Batch) throws {
      let mixing = try #require(batch.mixing)
      (position, pixels) = (batch.position, batch.student.bytes())
      isChannelsLast = batch.student.isContiguous(.channelsLast)
      (labels, indices) = (batch.requiredLabels().elements(), batch.indices.elements())
      (others, share) = (mixing.labels.elements(), mixing.share.item)
    }
  }

  /// From the loader and from a device, from the start and from the middle, and again once the plan begins again.
  @Test(arguments: ResidentImagesTests.devices)
  func batchesAreAFunctionOfThePlan(device: Device) throws {
    let images = noiseSet(count: 30, width: 8, height: 6)
    let augmentation = Augmentation(cropPadding: 1, flip: true, mixup: 0.4, cutMix: 1)
    let plan = BatchPlan(count: 30, batchSize: 6, seed: 2, augmentation: augmentation, repeatsAfter: 2)
    func all(_ batches: ImageBatches, _ start: BatchPosition = .init()) throws -> [Content] {
      var batches = batches.batches(from: start)
      return try batches.prefix(.max).map { try Content($0) }
    }
    let loaded = try all(ImageBatches(images, plan: plan, epochs: 4))
    #expect(Set(loaded.map(\.share)).count > 5 && loaded.count == 20)
    #expect(loaded.allSatisfy { $0.isChannelsLast })
    #expect(loaded[..<10].map(\.pixels) == loaded[10...].map(\.pixels))
    let resident = ImageBatches(
      images, plan: plan, epochs: 4, resident: .init(images, augmentation, device: device))
    #expect(try all(resident) == loaded)
    #expect(try all(resident, BatchPosition(epoch: 1, batch: 3)) == Array(loaded[8...]))
  }

  @Test func aFairCoinChoosesBetweenBoth() {
    func mixups(_ augmentation: Augmentation) -> Int {
      let plan = BatchPlan(count: 2, batchSize: 1, seed: 1, augmentation: augmentation)
      return (0..<2_000).count { batch in
        let mixer = plan.mixer(at: BatchPosition(epoch: 0, batch: batch), width: 8, height: 8)
        if case .mixup? = mixer?.form { return true }
        return false
      }
    }
    #expect((900...1_100).contains(mixups(Augmentation(flip: false, mixup: 0.2, cutMix: 1))))
    #expect(mixups(Augmentation(flip: false, mixup: 0.2)) == 2_000)
    #expect(mixups(Augmentation(flip: false, cutMix: 1)) == 0)
  }
}

@Suite struct BetaDistributionTests {
  private func drawn(_ alpha: Double, _ count: Int = 20_000) -> [Double] {
    var random = SplitMix64(key: 8)
    return (0..<count).map { _ in random.symmetricBeta(alpha) }
  }

  /// Mean 1/2, variance 1 / (4 (2 alpha + 1)), fourth central moment 3 / (16 (2 alpha + 1) (2 alpha + 3)).
  @Test(arguments: [0.02, 0.2, 0.4, 1, 8, 1e6]) func momentsAreThoseOfTheDistribution(alpha: Double) {
    let values = drawn(alpha)
    #expect(values.allSatisfy { (0...1).contains($0) })
    let (variance, fourth) = (1 / (4 * (2 * alpha + 1)), 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3)))
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let found = values.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / count
    #expect(abs(mean - 0.5) < 4 * (variance / count).squareRoot())
    #expect(abs(found - variance) < 4 * ((fourth - variance * variance) / count).squareRoot())
  }

  private static let functions: [(alpha: Double, value: @Sendable (Double) -> Double)] = [
    (0.5, { 2 / Double.pi * asin($0.squareRoot()) }), (1, { $0 }), (2, { $0 * $0 * (3 - 2 * $0) }),
  ]

  /// Kolmogorov and Smirnov's distance from distribution functions in closed form.
  @Test func functionsAreThoseOfTheDistribution() {
    for (alpha, function) in BetaDistributionTests.functions {
      let values = drawn(alpha).sorted()
      let distances = values.enumerated().map { abs(function($1) - (Double($0) + 0.5) / Double(values.count)) }
      #expect(distances.max() ?? 1 < 1.95 / Double(values.count).squareRoot(), "one in a thousand")
    }
  }
}
