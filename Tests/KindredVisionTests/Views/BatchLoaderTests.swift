// The loader gives the plan's batches in order, from any start, and ends when told.

import Foundation
import Kindred
import Testing

@testable import KindredVision

@Suite(.timeLimit(.minutes(10))) struct BatchLoaderTests {
  private let images = noiseSet(count: 53)
  private let plan = BatchPlan(count: 53, batchSize: 8, seed: 9, augmentation: Augmentation(cropPadding: 2, flip: true))

  /// What is compared of a batch.
  private struct Content: Equatable {
    let position: BatchPosition
    let shape: [Int]
    let pixels: [Float]
    let labels: [Int64]?

    init(_ batch: NormalizedBatch) {
      (position, shape, labels) = (batch.position, batch.images.shape, batch.labels)
      pixels = Array(batch.images.pixels.elements)
    }
  }

  /// What the plan says, computed here and now.
  private func expected(epochs: Range<Int>) throws -> [Content] {
    let renderer = ViewRenderer(images, plan.augmentation)
    return try epochs.flatMap { epoch in
      try (0..<plan.batchesPerEpoch).map { index in
        let bytes = try ByteBatch(
          images, views: plan.epoch(epoch).batch(index), renderer, epoch: epoch, index: index)
        return Content(NormalizedBatch(bytes, of: images, PixelTable(images)))
      }
    }
  }

  private func all(_ loader: BatchLoader) throws -> [Content] {
    var all: [Content] = []
    while let batch = try loader.next() { all.append(Content(batch)) }
    return all
  }

  @Test(arguments: [1, 3, 100], [1, 4])
  func batchesFollowThePlanAcrossEpochs(ahead: Int, threads: Int) throws {
    let loader = BatchLoader(images: images, plan: plan, endEpoch: 3, ahead: ahead, threads: threads)
    #expect(try all(loader) == expected(epochs: 0..<3))
    #expect(try loader.next() == nil)
  }

  @Test func resumedLoaderGivesTheSameBytes() throws {
    let whole = try expected(epochs: 0..<3)
    for done in [0, 1, 5, 6, 7, 17, 18] {
      let (epoch, batch) = done.quotientAndRemainder(dividingBy: plan.batchesPerEpoch)
      let loader = BatchLoader(images: images, plan: plan, startEpoch: epoch, startBatch: batch, endEpoch: 3)
      #expect(try all(loader) == Array(whole[done...]))
    }
    let atTheEnd = BatchLoader(
      images: images, plan: plan, startEpoch: 1, startBatch: plan.batchesPerEpoch, endEpoch: 3)
    #expect(try all(atTheEnd) == Array(whole[12...]))
  }

  @Test func stopEndsWaitingAndLoading() throws {
    let endless = BatchLoader(images: images, plan: plan, endEpoch: .max)
    #expect(try endless.next() != nil)
    endless.stop()
    #expect(try endless.next() == nil)
  }

  @Test func stopWakesWhoeverWaits() throws {
    // An epoch that takes long to plan, so that nothing is there yet when the loader is stopped.
    let large = noiseSet(count: 400_000, width: 1, height: 1, channels: 1)
    let plan = BatchPlan(count: large.count, batchSize: large.count, seed: 0, augmentation: .none)
    let loader = BatchLoader(images: large, plan: plan, endEpoch: .max)
    let thread = Thread { loader.stop() }
    thread.start()
    while try loader.next() != nil {}
  }

  @Test func planWithoutBatchesEndsAtOnce() throws {
    let plan = BatchPlan(count: 53, batchSize: 64, seed: 0, augmentation: .none)
    #expect(try BatchLoader(images: images, plan: plan, endEpoch: .max).next() == nil)
  }

  @Test func freedLoadersLeaveNoThread() throws {
    #if os(Linux)
      func loaderThreads() throws -> Int {
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        return tasks.filter { task in
          (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8))?.hasPrefix("kindred.free")
            ?? false
        }.count
      }
      for _ in 0..<20 {
        let loader = BatchLoader(images: images, plan: plan, endEpoch: .max, threadName: "kindred.free")
        #expect(try loader.next() != nil)
      }
      while try loaderThreads() > 0 { Thread.sleep(forTimeInterval: 0.01) }
    #endif
  }
}
