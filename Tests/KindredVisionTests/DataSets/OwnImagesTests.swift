// Images of one's own as a network sees them: against Pillow and torchvision's recipe written out, in memory or decoded each
// time, whatever the threads.

import Foundation
import GoldenFiles
import Kindred
import TestSupport
import Testing
import Torch

@testable import KindredVision

private let needsPython: ConditionTrait = .enabled(
  if: Python.obstacle == nil, Comment(rawValue: Python.obstacle ?? ""))

/// The texture photographs beside the checkout, where there are some.
private let photographs: URL? = {
  let checkout = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
  let folder = checkout.deletingLastPathComponent().appendingPathComponent("shared/data/dtd-10/images")
  return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
}()

@Suite struct OwnImagesTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    // PNG of every shape; a class of a grey one and of one with a long side.
    for (name, width, height) in [("wide", 90, 40), ("high", 31, 77), ("small", 12, 12), ("long", 400, 9)] {
      for index in 0..<3 {
        let image = PixelImage(
          width: width, height: height, channels: 3, bytes: noiseBytes(width * height * 3, seed: UInt64(index + width)))
        try folder.write([UInt8](try image.png()), to: "set/\(name)/\(index).png")
      }
    }
  }

  private var images: OwnImages {
    OwnImages(train: folder.url.appendingPathComponent("set"), heldOut: 0.3, size: 32)
  }

  @Test func aSplitIsWhatIsHeldOut() throws {
    let (train, test) = (try images.load(.train), try images.load(.test))
    #expect(train.count + test.count == 12 && test.count > 0)
    #expect(train.classNames == ["high", "long", "small", "wide"] && test.classNames == train.classNames)
    #expect(train.shape == [3, 32, 32])
    #expect(train.channelMean == test.channelMean && train.fingerprint != test.fingerprint)
    // What was measured is kept, and taken up again.
    let kept = try String(
      contentsOf: folder.url.appendingPathComponent("set/.kindred-statistics.json"), encoding: .utf8)
    #expect(kept.contains("deviation"))
    #expect(try images.load(.train).channelDeviation == train.channelDeviation)
  }

  /// The same batches from one thread and from four, from memory and from files, and from a start in the middle.
  @Test func batchesAreAFunctionOfThePlan() throws {
    let files = try images.files(.train)
    func set(memory: Int) -> ImageSet {
      ImageSet(
        name: "set", EncodedImages(files, channels: 3, shorterSide: 74, memory: memory), width: 32, height: 32,
        channels: 3, evaluatedSide: 37, classNames: files.classNames, labels: files.labels,
        channelMean: [0.5, 0.4, 0.3], channelDeviation: [0.2, 0.3, 0.4])
    }
    let plan = BatchPlan(
      count: files.count, batchSize: 3, seed: 4, augmentation: Augmentation(randomResizedCrop: 0.2, flip: true))
    func batches(_ set: ImageSet, threads: Int, from start: Int = 0) throws -> [[Float]] {
      let loader = BatchLoader(images: set, plan: plan, startBatch: start, endEpoch: 3, threads: threads)
      var all: [[Float]] = []
      while let batch = try loader.next() { all.append(Array(batch.images.pixels.elements)) }
      return all
    }
    let reference = try batches(set(memory: .max), threads: 1)
    #expect(Set(reference).count == reference.count && reference.count == 3 * plan.batchesPerEpoch)
    #expect(try batches(set(memory: 0), threads: 4) == reference)
    #expect(try batches(set(memory: .max), threads: 4, from: 1) == Array(reference[1...]))
  }

  /// A file that cannot be read ends the batches with its name, after those before it.
  @Test func aBrokenFileIsNamed() throws {
    let path = folder.url.appendingPathComponent("set/wide/1.png")
    _ = try images.load(.train)
    // Opened once more, so that nothing has been decoded for the mean.
    let sets = try DataSplit.allCases.map { try images.load($0) }
    try Data(contentsOf: path).dropLast(40).write(to: path)
    let changed = try dataErrorMessage {
      for set in sets { for index in 0..<set.count { _ = try set.image(at: index) } }
    }
    #expect(changed.hasSuffix("wide/1.png: changed while the set was in use"))
    let broken = try dataErrorMessage {
      for split in DataSplit.allCases {
        let set = try images.load(split)
        for index in 0..<set.count { _ = try set.image(at: index) }
      }
    }
    #expect(broken.contains("wide/1.png: "))

    var skipping = images
    skipping.skipsBroken = true
    #expect(try dataErrorMessage { _ = try skipping.load(.train) }.contains("kindred data check"))
    let check = try #require(try ImageCheck(images.train) { _, _ in true })
    #expect(check.broken.map(\.path) == ["wide/1.png"] && check.count == 12)
    #expect(try skipping.load(.train).count + skipping.load(.test).count == 11)
    #expect(
      try skipping.remarks().first?.hasSuffix("1 of 12 images are broken and skipped, such as wide/1.png") == true)
  }

  @Test func aCheckSeesDoublesAndSizes() throws {
    let bytes = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent("set/small/0.png")))
    try folder.write(bytes, to: "set/wide/copy.png")
    try folder.write(Array("no image".utf8), to: "set/single/a.jpg")
    let check = try #require(try ImageCheck(images.train) { _, _ in true })
    #expect(check.duplicates == [["small/0.png", "wide/copy.png"]])
    #expect(check.broken.map(\.path) == ["single/a.jpg"])
    #expect(check.classes.map(\.count) == [3, 3, 1, 3, 4] && check.imbalance == 4)
    #expect(check.sizes.first.map { $0 == (12, 12) } == true && check.sizes.count == 13)
    #expect(try ImageCheck(images.train) { _, _ in false } == nil)
  }
}

@Suite struct ViewGeometryTests {
  /// torchvision's Resize and CenterCrop, by its rules for margins and sides.
  @Test(arguments: [
    ((400, 300), 224, 256, (341, 256), (58, 16)), ((300, 400), 224, 256, (256, 341), (16, 58)),
    ((32, 32), 32, 32, (32, 32), (0, 0)), ((33, 35), 24, 27, (27, 28), (2, 2)),
    ((500, 333), 96, 110, (165, 110), (34, 7)),
  ])
  func evaluationSeesTheCentre(image: (Int, Int), size: Int, side: Int, scaled: (Int, Int), shift: (Int, Int)) {
    let geometry = ViewSizes(image: image, seen: (size, size)).centre(side: side)
    #expect((geometry.scaledWidth, geometry.scaledHeight) == scaled)
    #expect((geometry.shiftX, geometry.shiftY) == shift)
    #expect(geometry.region == PixelRegion(width: image.0, height: image.1) && !geometry.isFlipped)
  }

  /// Shares of the area are uniform and ratios log-uniform, as far as they fit in the image; all crops lie in it.
  @Test func randomResizedCropsAreTorchvisions() {
    let sizes = ViewSizes(image: (640, 480), seen: (224, 224))
    let augmentation = Augmentation(randomResizedCrop: 0.08, flip: true)
    let views = (0..<20_000).map { key in
      var random = SplitMix64(key: UInt64(key))
      return sizes.drawn(augmentation, side: 224, &random)
    }
    let regions = views.map(\.region)
    #expect(regions.allSatisfy { $0.x >= 0 && $0.y >= 0 && $0.x + $0.width <= 640 && $0.y + $0.height <= 480 })
    let ratios = regions.map { Double($0.width) / Double($0.height) }
    #expect(ratios.allSatisfy { 0.74 < $0 && $0 < 1.35 })
    let shares = regions.map { Double($0.width * $0.height) / (640 * 480) }
    // By PyTorch's own RandomResizedCrop.get_params on an image of that size: 60,000 times: mean share 0.4327, mean log ratio 0.0308.
    #expect(abs(shares.reduce(0, +) / 20_000 - 0.4327) < 0.006)
    #expect(abs(ratios.map { log($0) }.reduce(0, +) / 20_000 - 0.0308) < 0.006)
    #expect((9_600...10_400).contains(views.count(where: \.isFlipped)))
  }

  @Test func whatHasNoEndIsCutFirst() {
    let geometry = ViewSizes(image: (30_000, 1), seen: (96, 96)).centre(side: 110)
    #expect(geometry.region == PixelRegion(x: 14_996, y: 0, width: 8, height: 1))
    #expect((geometry.scaledWidth, geometry.scaledHeight) == (880, 110))
  }
}

/// Evaluation's view of real photographs beside torchvision's transforms on Pillow's images.
@Suite struct EvaluationViewTests {
  @Test(needsPython, .enabled(if: photographs != nil, "needs shared/data/dtd-10 beside the checkout"))
  func isPillowsToOneGreyLevel() throws {
    let place = try #require(photographs)
    var images = OwnImages(train: place, size: 64)
    images.statistics = .imageNet
    let set = try images.load(.train)
    #expect(set.count == 1200 && set.classNames.first == "banded")
    try withTestFolder { folder in
      let output = folder.appending(path: "views.safetensors")
      let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Golden/make_views.py").standardizedFileURL
      try Python.run([script.path, place.path, output.path])
      let theirs = try Safetensors.read(output).tensors
      let expected = try #require(theirs["views"])
      let own = try (0..<expected.shape[0]).flatMap { try set.image(at: $0 * 37) }
      let difference = zip(own, expected.flattened().elements(as: UInt8.self)).map { abs(Int($0) - Int($1)) }
      #expect(difference.count == own.count && difference.max() ?? 9 <= 1)
    }
  }
}
