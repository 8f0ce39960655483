// Crop and flip against the recipe written out word for word.

import Kindred
import Testing

@testable import KindredVision

@Suite struct ByteBatchTests {
  /// The recipe word for word: pad on all sides with black, cut out, mirror.
  private func reference(_ images: ImageSet, _ index: Int, _ view: ViewGeometry, padding: Int) throws -> [UInt8] {
    let (width, height, channels) = (images.width, images.height, images.channels)
    let source = try images.image(at: index)
    var padded = [[[UInt8]]](
      repeating: [[UInt8]](repeating: [UInt8](repeating: 0, count: channels), count: width + 2 * padding),
      count: height + 2 * padding)
    for y in 0..<height {
      for x in 0..<width {
        padded[y + padding][x + padding] = (0..<channels).map { source[(y * width + x) * channels + $0] }
      }
    }
    let (top, left) = (padding + view.shiftY, padding + view.shiftX)
    return (0..<height).flatMap { y -> [UInt8] in
      let row = Array(padded[top + y][left..<left + width])
      return (view.isFlipped ? row.reversed() : row).flatMap { $0 }
    }
  }

  @Test(arguments: [(5, 4, 3), (6, 5, 1), (1, 1, 3), (32, 32, 3)])
  func cropAndFlipAreTheRecipe(width: Int, height: Int, channels: Int) throws {
    let images = noiseSet(count: 3, width: width, height: height, channels: channels)
    let views = (0..<600).map { View(index: Int32($0 % 3), random: SplitMix64(key: UInt64($0))) }
    let renderer = ViewRenderer(images, Augmentation(cropPadding: 8, flip: true))
    let batch = try ByteBatch(images, views: views, renderer, epoch: 2, index: 7)
    let wrong = try views.enumerated().filter { place, view in
      let geometry = renderer.geometry(view, ofImage: width, height)
      let expected = try reference(images, Int(view.index), geometry, padding: 8)
      return !batch.pixels[place * images.imageBytes..<(place + 1) * images.imageBytes].elementsEqual(expected)
    }
    #expect(wrong.isEmpty)
    #expect(batch.labels == views.map { Int64(images.labels[Int($0.index)]) })
    #expect((batch.epoch, batch.index, batch.count) == (2, 7, views.count))
  }

  @Test func evaluationShowsEveryImageOnceAsItIs() throws {
    let images = noiseSet(count: 23)
    let plan = BatchPlan(inOrder: 23, batchSize: 5)
    let batches = try (0..<plan.batchesPerEpoch).map {
      try ByteBatch(images, views: plan.epoch(0).batch($0), ViewRenderer(images), index: $0)
    }
    #expect(batches.map(\.count) == [5, 5, 5, 5, 3])
    #expect(batches.flatMap(\.pixels) == images.allPixels)
    #expect(batches.flatMap(\.labels) == images.labels.map(Int64.init))
  }
}
