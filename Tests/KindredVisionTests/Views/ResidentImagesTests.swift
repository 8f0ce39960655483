// Images on a device against the loader's bytes, and normalised pixels against the formula.

import Kindred
import Testing
import Torch

@testable import KindredVision

@Suite struct ResidentImagesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var count: Int
    var size: (width: Int, height: Int, channels: Int)
    var padding: Int
    var testDescription: String { "\(count) of \(size), padding \(padding)" }
  }

  static let cases = [
    Case(count: 23, size: (5, 4, 3), padding: 2), Case(count: 17, size: (6, 5, 1), padding: 9),
    Case(count: 9, size: (1, 1, 3), padding: 1), Case(count: 40, size: (32, 32, 3), padding: 4),
    Case(count: 12, size: (7, 3, 3), padding: 0),
  ]

  /// The CPU, and a GPU where there is one.
  static let devices = [Device.cpu] + (Runtime.cudaDeviceCount > 0 ? [.cuda(0)] : [])

  private func images(_ one: Case) -> ImageSet {
    noiseSet(count: one.count, width: one.size.width, height: one.size.height, channels: one.size.channels)
  }

  private func plan(_ one: Case) -> BatchPlan {
    BatchPlan(
      count: one.count, batchSize: 5, seed: 7, augmentation: Augmentation(cropPadding: one.padding, flip: true),
      dropsLast: false)
  }

  @Test(arguments: cases, devices)
  func bytesAreThoseOfByteBatch(_ one: Case, device: Device) throws {
    let (images, plan) = (images(one), plan(one))
    let resident = ResidentImages(images, plan.augmentation, device: device)
    for epoch in 0..<3 {
      let epochPlan = plan.epoch(epoch)
      let views = resident.views(epochPlan.views)
      for index in 0..<epochPlan.batchCount {
        let expected = try ByteBatch(
          images, views: epochPlan.batch(index), ViewRenderer(images, plan.augmentation))
        let range = index * 5..<min(one.count, index * 5 + 5)
        let bytes = resident.bytes(views.narrowed(1, range))
        #expect(bytes.shape == [expected.count, images.height, images.width, images.channels])
        #expect(bytes.bytes() == expected.pixels)
      }
    }
  }

  @Test(arguments: cases, devices)
  func batchesAreThoseOfTheLoader(_ one: Case, device: Device) throws {
    let (images, plan) = (images(one), plan(one))
    let starts = [BatchPosition(), BatchPosition(epoch: 1, batch: 1), BatchPosition(batch: plan.batchesPerEpoch)]
    for start in starts {
      let loaded = try all(ImageBatches(images, plan: plan, epochs: 2).batches(from: start))
      let resident = ImageBatches(
        images, plan: plan, epochs: 2, resident: .init(images, plan.augmentation, device: device))
      #expect(try all(resident.batches(from: start)) == loaded)
      #expect(loaded.count > 0)
    }
  }

  @Test(arguments: devices)
  func evaluationIsThatOfTheLoader(device: Device) throws {
    let images = noiseSet(count: 23)
    let loaded = try all(EvaluationImages(images, batchSize: 5).batches())
    let resident = EvaluationImages(images, batchSize: 5, resident: .init(images, device: device))
    #expect(try all(resident.batches()) == loaded)
    #expect(loaded.flatMap(\.labels) == images.labels.map(Int64.init))
  }

  @Test func aPlanWithoutBatchesHasNone() throws {
    let images = noiseSet(count: 3)
    let plan = BatchPlan(count: 3, batchSize: 5, seed: 1, augmentation: .none)
    let batches = ImageBatches(images, plan: plan, epochs: .max, resident: .init(images, device: .cpu))
    #expect(try all(batches.batches(from: BatchPosition())).isEmpty)
  }

  private struct Content: Equatable {
    let position: BatchPosition
    let shape: [Int]
    let isChannelsLast: Bool
    let pixels: [UInt8]
    let labels: [Int64]

    init(_ batch: Batch) {
      position = batch.position
      shape = batch.student.shape
      isChannelsLast = batch.student.isContiguous(.channelsLast)
      pixels = batch.student.bytes()
      labels = batch.requiredLabels().elements()
    }
  }

  private func all(_ batches: any BatchIterator) throws -> [Content] {
    var batches = batches
    return try batches.prefix(.max).map(Content.init)
  }
}

@Suite struct PixelTableTests {
  /// The formula in libtorch's arithmetic, to the bit.
  @Test(arguments: [1, 3])
  func isTheFormula(channels: Int) throws {
    let (mean, deviation): ([Float], [Float]) = ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])
    let bytes = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: channels) }
    let images = ImageSet(
      name: "bytes", width: 16, height: 16, channels: channels, classNames: ["one"], pixels: bytes, labels: [0],
      channelMean: Array(mean.prefix(channels)), channelDeviation: Array(deviation.prefix(channels)))
    let bytesOfOne = try ByteBatch(images, views: [View(index: 0)], ViewRenderer(images))
    let batch = NormalizedBatch(bytesOfOne, of: images, PixelTable(images)).tensors
    let pixels = Tensor(bytes, shape: [1, 16, 16, channels]).permuted([0, 3, 1, 2])
    let scale = Tensor(deviation.prefix(channels).map { 1 / (255 * $0) }, shape: [1, channels, 1, 1])
    let shift = Tensor((0..<channels).map { -mean[$0] / deviation[$0] }, shape: [1, channels, 1, 1])
    #expect(batch.student.bytes() == (pixels.to(.float32) * scale + shift).bytes())
    #expect(batch.student.isContiguous(.channelsLast))
  }
}
