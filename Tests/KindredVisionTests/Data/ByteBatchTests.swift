// Crop and flip against the recipe written out word for word.

import Testing

@testable import KindredVision

@Suite struct ByteBatchTests {
  /// The recipe word for word: pad on all sides with black, cut out, mirror.
  private func reference(_ images: ImageSet, _ view: View, padding: Int) -> [UInt8] {
    let (width, height, channels) = (images.width, images.height, images.channels)
    let source = Array(images.image(at: Int(view.index)))
    var padded = [[[UInt8]]](
      repeating: [[UInt8]](repeating: [UInt8](repeating: 0, count: channels), count: width + 2 * padding),
      count: height + 2 * padding)
    for y in 0..<height {
      for x in 0..<width {
        padded[y + padding][x + padding] = (0..<channels).map { source[(y * width + x) * channels + $0] }
      }
    }
    let (top, left) = (padding + Int(view.shiftY), padding + Int(view.shiftX))
    return (0..<height).flatMap { y -> [UInt8] in
      let row = Array(padded[top + y][left..<left + width])
      return (view.isFlipped ? row.reversed() : row).flatMap { $0 }
    }
  }

  @Test(arguments: [(5, 4, 3), (6, 5, 1), (1, 1, 3), (32, 32, 3)])
  func cropAndFlipAreTheRecipe(width: Int, height: Int, channels: Int) {
    let images = noiseSet(count: 3, width: width, height: height, channels: channels)
    var views: [View] = []
    for shiftY in Int8(-8)...8 {
      for shiftX in Int8(-8)...8 {
        for isFlipped in [false, true] {
          views.append(View(index: Int32(views.count % 3), shiftX: shiftX, shiftY: shiftY, isFlipped: isFlipped))
        }
      }
    }
    let batch = ByteBatch(images, views: views[...], epoch: 2, index: 7)
    let wrong = views.enumerated().filter { place, view in
      !batch.pixels[place * images.imageBytes..<(place + 1) * images.imageBytes]
        .elementsEqual(reference(images, view, padding: 8))
    }
    #expect(wrong.isEmpty)
    #expect(batch.labels == views.map { Int64(images.labels[Int($0.index)]) })
    #expect((batch.epoch, batch.index, batch.count) == (2, 7, views.count))
  }

  @Test func evaluationShowsEveryImageOnceAsItIs() {
    let images = noiseSet(count: 23)
    let batches = Array(EvaluationBatches(images, batchSize: 5))
    #expect(batches.map(\.count) == [5, 5, 5, 5, 3])
    #expect(EvaluationBatches(images, batchSize: 5).count == 5)
    #expect(batches.flatMap(\.pixels) == images.pixels)
    #expect(batches.flatMap(\.labels) == images.labels.map(Int64.init))
    #expect(batches.map(\.index) == [0, 1, 2, 3, 4])
  }
}
