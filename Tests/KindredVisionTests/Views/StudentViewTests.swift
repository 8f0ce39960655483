// What a student sees beside its teacher: the same crop of the same image, with something taken away; and images without a
// class beside those with one.

import Foundation
import Kindred
import Synchronization
import TestSupport
import Testing
import Torch

@testable import KindredVision

/// Images that count how often they are read.
private final class CountedImages: ImageSource {
  private let images: ImageSet
  let reads = Mutex(0)

  init(_ images: ImageSet) { self.images = images }

  var count: Int { images.count }
  var size: (width: Int, height: Int)? { nil }
  var shardSizes: [Int]? { nil }

  func withPixels<Result>(at index: Int, _ body: (ImagePixels) throws -> Result) throws -> Result {
    reads.withLock { $0 += 1 }
    return try images.withPixels(at: index, body)
  }

  func isSame(as other: any ImageSource) -> Bool { other as? CountedImages === self }
  func withIdentity(of index: Int, _ body: (UnsafeRawBufferPointer) -> Void) { images.withIdentity(of: index, body) }
}

@Suite struct StudentViewTests {
  private func image(_ width: Int, _ height: Int, channels: Int = 3) -> PixelImage {
    PixelImage(width: width, height: height, channels: channels, bytes: noiseBytes(width * height * channels))
  }

  @Test func croppingAndOccludingAreSquaresInTheCentre() {
    let whole = image(10, 8)
    var view = StudentView()
    (view.crop, view.occlusion) = (0.5, 0.4)
    let seen = view(whole)
    #expect((seen.width, seen.height) == (5, 4) && view.shape(of: (3, 8, 10)) == (3, 4, 5))
    for y in 0..<4 {
      for x in 0..<5 {
        let isHidden = (1...2).contains(x) && (1...2).contains(y)
        for channel in 0..<3 {
          let expected = isHidden ? 0 : whole.bytes[((y + 2) * 10 + x + 2) * 3 + channel]
          #expect(seen.bytes[(y * 5 + x) * 3 + channel] == expected)
        }
      }
    }
  }

  /// The closed form: the variances of a point's two blurs add up, and a border of one colour stays what it is.
  @Test func blurIsGaussian() {
    var point = PixelImage(width: 41, height: 41, channels: 1, bytes: [UInt8](repeating: 0, count: 41 * 41))
    for y in 18...22 { for x in 18...22 { point.bytes[y * 41 + x] = 255 } }
    var view = StudentView()
    view.blur = 3
    let seen = view(point)
    let mass = seen.bytes.reduce(0.0) { $0 + Double($1) }
    let spread = seen.bytes.enumerated().reduce(0.0) { $0 + Double($1.element) * pow(Double($1.offset % 41) - 20, 2) }
    #expect(abs(mass / (25 * 255) - 1) < 0.05)
    // Of a box of five pixels 2, of the blur 9, less what its bounded reach cuts off and rounding to bytes loses.
    #expect(abs(spread / mass - 11) < 0.6)
    let plain = PixelImage(width: 9, height: 7, channels: 3, bytes: [UInt8](repeating: 77, count: 9 * 7 * 3))
    #expect(view(plain) == plain)
  }

  @Test func regionsFollowTheView() {
    var view = StudentView()
    (view.crop, view.size) = (0.5, 8)
    let inside = view.region(PixelRegion(x: 10, y: 12, width: 4, height: 8), of: (32, 32), in: (8, 8))
    #expect(inside == PixelRegion(x: 1, y: 2, width: 2, height: 4))
    #expect(view.region(PixelRegion(x: 0, y: 0, width: 8, height: 8), of: (32, 32), in: (8, 8)) == nil)
  }

  /// Teacher and student see one crop of one image, on any number of threads.
  @Test func bothSeeTheSameCrop() throws {
    let whole = noiseSet(count: 20, width: 32, height: 32)
    var view = StudentView()
    (view.size, view.isGrey) = (16, true)
    let student = try whole.reduced(by: view, normalizedBy: nil)
    #expect(student.shape == [1, 16, 16] && student.channelMean.count == 1)
    let plan = BatchPlan(
      count: 20, batchSize: 6, seed: 2, augmentation: Augmentation(cropPadding: 4, flip: true), dropsLast: false)
    var both = ImageBatches(student, teacher: whole, plan: plan, epochs: 2).batches(from: BatchPosition())
    var alone = ImageBatches(whole, plan: plan, epochs: 2).batches(from: BatchPosition())
    var count = 0
    while let batch = try both.next(), let other = try alone.next() {
      #expect(batch.teacher.bytes() == other.student.bytes() && batch.labels?.bytes() == other.labels?.bytes())
      #expect(batch.student.shape == [batch.count, 1, 16, 16])
      // Its own way: from the teacher's numbers back to bytes, then what the view does.
      let bytes = try ByteBatch(
        whole, views: plan.epoch(batch.position.epoch).batch(batch.position.batch),
        ViewRenderer(whole, plan.augmentation)
      ).pixels
      let first = view(PixelImage(width: 32, height: 32, channels: 3, bytes: Array(bytes.prefix(3072))))
      let expected = first.bytes.map {
        (Float($0) / 255 - student.channelMean[0]) / student.channelDeviation[0]
      }
      let seen = batch.student.narrowed(0, 0..<1).flattened().elements(as: Float.self)
      #expect(zip(expected, seen).allSatisfy { abs($0 - $1) < 1e-5 })
      count += 1
    }
    #expect(count == 8)
  }

  /// What the student sees is made of what the teacher sees, and is what it would be by itself.
  @Test func anImageIsReadOnceForBoth() throws {
    let source = CountedImages(noiseSet(count: 12, width: 32, height: 32))
    let whole = ImageSet(
      name: "counted", source, width: 24, height: 24, channels: 3, classNames: ["a"],
      labels: [Int32](repeating: 0, count: 12), channelMean: [0.5, 0.5, 0.5], channelDeviation: [0.2, 0.2, 0.2])
    var view = StudentView()
    view.size = 8
    let student = try whole.reduced(by: view, normalizedBy: .imageNet)
    let plan = BatchPlan(
      count: 12, batchSize: 4, seed: 2,
      augmentation: Augmentation(randomResizedCrop: 0.5, flip: true, randomErasing: 1), dropsLast: false)
    var both = ImageBatches(student, teacher: whole, plan: plan, epochs: 1).batches(from: BatchPosition())
    var seen: [Tensor] = []
    while let batch = try both.next() { seen.append(batch.student) }
    #expect(source.reads.withLock { $0 } == 12 && seen.count == 3)
    var alone = ImageBatches(student, plan: plan, epochs: 1).batches(from: BatchPosition())
    for batch in seen { #expect(try alone.next()?.student.bytes() == batch.bytes()) }
  }

  /// Other files of the same names, of another kind and with other channels.
  @Test func privilegedFilesGoWithTheirNames() throws {
    let folder = try TestFolder()
    for index in 0..<6 {
      let name = "\(index % 2 == 0 ? "even" : "odd")/\(index)"
      let color = PixelImage(width: 20, height: 20, channels: 3, bytes: noiseBytes(1200, seed: UInt64(index)))
      try folder.write([UInt8](try color.png()), to: "seen/\(name).png")
      let depth = PixelImage(
        width: 40, height: 40, channels: 1, bytes: [UInt8](repeating: UInt8(40 * index), count: 1600))
      try folder.write([UInt8](try depth.png()), to: "depth/\(name).png")
    }
    var images = OwnImages(train: folder.url.appendingPathComponent("seen"), size: 16, evaluatedSide: 16)
    images.privileged = folder.url.appendingPathComponent("depth")
    let (student, teacher) = (try images.load(.train), try #require(try images.loadPrivileged(.train, channels: 1)))
    #expect(student.shape == [3, 16, 16] && teacher.shape == [1, 16, 16] && student.labels == teacher.labels)
    for (place, index) in [0, 2, 4, 1, 3, 5].enumerated() {
      #expect(Set(try teacher.image(at: place)) == [UInt8(40 * index)])
    }
    #expect(teacher.channelMean.count == 1 && abs(teacher.channelMean[0] - 100.0 / 255) < 1e-4)
    try FileManager.default.removeItem(at: folder.url.appendingPathComponent("depth/odd/3.png"))
    let message = try dataErrorMessage { _ = try images.loadPrivileged(.train, channels: 1) }
    #expect(message.hasSuffix("has nothing of the name of odd/3.png"))
  }
}

@Suite struct UnlabelledPlanTests {
  private let plan = BatchPlan(
    count: 100, batchSize: 8, seed: 5, augmentation: .none, unlabelled: .init(count: 70, perBatch: 5))

  /// Each epoch sees every image with a class once; the others come in passes that know no epochs.
  @Test func batchesHaveTheirPartOfBoth() {
    #expect(plan.batchesPerEpoch == 10)
    var others: [Int] = []
    for epoch in 0..<7 {
      var own: [Int] = []
      for batch in 0..<10 {
        let indices = plan.epoch(epoch).batch(batch).map { Int($0.index) }
        #expect(indices.count == 8)
        own += indices.prefix(3)
        others += indices.suffix(5)
      }
      #expect(own.sorted() == Array(0..<30))
    }
    for pass in 0..<5 { #expect(others[pass * 70..<(pass + 1) * 70].sorted() == Array(30..<100)) }
    #expect(Array(others[0..<70]) != Array(others[70..<140]))
  }

  @Test func theirLabelsAreNotTold() throws {
    let all = noiseSet(count: 30)
    let part = all.selecting([0, 1, 5], withoutLabels: [7, 8])
    #expect(part.labels == [0, 1, 2, -1, -1] && part.count == 5)
    #expect(try part.image(at: 4) == all.image(at: 8))
    let joined = all.selecting([0, 1]).joined(withoutLabels: noiseSet(count: 4, width: 5, height: 4))
    #expect(joined.labels == [0, 1, -1, -1, -1, -1] && joined.classNames == all.classNames)
    #expect(try joined.image(at: 1) == all.image(at: 1) && joined.image(at: 2) == all.image(at: 0))
  }

  /// Cross-entropy of a batch is that of the inputs with a class alone.
  @Test func crossEntropyLooksAtTheOthersOnly() {
    let logits = Generator(seed: 3).normal([6, 4])
    let labels = Tensor([2, 0, 3, -1, -1, -1] as [Int64], shape: [6])
    let own = logits.narrowed(0, 0..<3).crossEntropy(labels: labels.narrowed(0, 0..<3))
    #expect(abs(logits.crossEntropy(labels: labels).item - own.item) < 1e-6)
  }
}
