// Parts of a set, and its contact sheet, on sets small enough to check by eye.

import Kindred
import Testing

@testable import KindredVision

@Suite struct ImageSetTests {
  /// A set whose single pixel is the image's place in it.
  private func set(labels: [Int32], classes: Int) -> ImageSet {
    ImageSet(
      name: "numbered", width: 1, height: 1, channels: 1, classNames: (0..<classes).map(String.init),
      pixels: labels.indices.map(UInt8.init), labels: labels, channelMean: [0], channelDeviation: [1])
  }

  private func sizes(_ set: ImageSet) -> [Int] {
    set.classNames.indices.map { label in set.labels.count { Int($0) == label } }
  }

  @Test func selectingKeepsTheOrderAskedFor() {
    let chosen = set(labels: [0, 1, 2, 0], classes: 3).selecting([3, 1])
    #expect(chosen.allPixels == [3, 1])
    #expect(chosen.labels == [0, 1])
  }

  @Test func partsOfABalancedSetAreBalanced() {
    let images = set(labels: (0..<60).map { Int32($0 / 20) }, classes: 3)
    let first = images.first(perSetBalanced: 30)
    #expect(first.allPixels == Array(0..<10) + Array(20..<30) + Array(40..<50))
    #expect(images.last(perSetBalanced: 6).allPixels == [18, 19, 38, 39, 58, 59])
    #expect(sizes(images.first(perSetBalanced: 31)).sorted() == [10, 10, 11])
  }

  @Test func partsThatFitAreDisjointWhateverTheClasses() {
    var random = SplitMix64(state: 4)
    for _ in 0..<50 {
      let images = set(labels: (0..<100).map { _ in Int32(random.below(3) * random.below(3)) }, classes: 5)
      let cut = Int(random.below(101))
      let first = images.firstIndices(perSetBalanced: cut)
      let last = images.lastIndices(perSetBalanced: 100 - cut)
      #expect((first + last).sorted() == Array(0..<100))
      for (part, whole) in zip(sizes(images.selecting(first)), sizes(images)) {
        #expect(abs(Double(part) - Double(whole * cut) / 100) < 2, "a class keeps its proportion")
      }
    }
  }

  @Test func contactSheetShowsEachClassInARow() throws {
    let images = ImageSet(
      name: "grey", width: 2, height: 1, channels: 1, classNames: ["a", "b"], pixels: [10, 20, 30, 40, 50, 60],
      labels: [1, 0, 1], channelMean: [0], channelDeviation: [1])
    let sheet = try images.contactSheet(perClass: 2, scale: 2)
    #expect((sheet.width, sheet.height) == (14, 10))
    let rows = (0..<10).map { y in (0..<14).map { x in Int(sheet.pixels[(y * 14 + x) * 3]) } }
    let blank = [Int](repeating: 255, count: 14)
    let a = [255, 255, 30, 30, 40, 40, 255, 255, 255, 255, 255, 255, 255, 255]
    let b = [255, 255, 10, 10, 20, 20, 255, 255, 50, 50, 60, 60, 255, 255]
    #expect(rows == [blank, blank, a, a, blank, blank, b, b, blank, blank])
    #expect((0..<140).allSatisfy { sheet.pixels[3 * $0] == sheet.pixels[3 * $0 + 1] })

    let color = try noiseSet(count: 3).contactSheet(perClass: 1)
    #expect(Array(color.pixels[(2 * color.width + 2) * 3..<(2 * color.width + 4) * 3]) == Array(noiseBytes(6)))
  }
}
