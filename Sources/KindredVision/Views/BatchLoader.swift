// Batches made ahead of the training step, on threads of their own.

import Foundation
import Kindred
import Torch

/// Makes the plan's batches on threads of its own while the training step computes.
///
/// The threads do no libtorch arithmetic, so that they wake no second pool of threads. The batches come in the plan's order,
/// across epochs without a pause; at most `ahead` of them wait in memory or are being made.
/// The threads end when the plan ends, at `stop()`, after a file that cannot be read, or when the loader is freed.
final class BatchLoader: Sendable {
  private let queue: BatchQueue

  /// Starts the threads, from batch `startBatch` of epoch `startEpoch` to the end of epoch `endEpoch - 1`.
  ///
  /// The plan must be one for `images`.
  /// - Parameters:
  ///   - count: how many batches to make at most.
  ///   - teacher: the same images as the teacher sees them; nil for as the student does.
  ///   - rank: whose rows of each batch are made.
  ///   - threads: nil for one where images lie in memory as they are seen, and as many as there are cores where they have
  ///     to be decoded, scaled or recoloured.
  init(
    images: ImageSet, teacher: ImageSet? = nil, plan: BatchPlan, startEpoch: Int = 0, startBatch: Int = 0,
    endEpoch: Int, count: Int = .max, rank: Rank = .only, ahead: Int = 3, threads: Int? = nil,
    threadName: String = "kindred.loader"
  ) {
    precondition(plan.count == images.count, "the plan is for \(plan.count) images, the set has \(images.count)")
    precondition(startEpoch >= 0 && startBatch >= 0 && ahead > 0, "a start and a queue cannot be negative")
    let isCopied = images.isPacked && teacher == nil && !plan.augmentation.changesBytes
    let threads = threads ?? (isCopied ? 1 : ProcessInfo.processInfo.activeProcessorCount)
    let start = BatchPosition(epoch: startEpoch, batch: startBatch)
    let schedule = BatchSchedule(plan, from: start, endEpoch: endEpoch, count: count, rank: rank)
    let queue = BatchQueue(schedule, capacity: max(ahead, threads + 1))
    self.queue = queue
    let work = BatchWork(images, teacher, plan)
    for _ in 0..<threads {
      // The thread holds the queue and never the loader, so that freeing the loader can stop it.
      let thread = Thread {
        while let (ticket, order) = queue.order() {
          queue.put(Result { try work.batch(order) }, for: ticket)
        }
      }
      thread.name = threadName
      thread.start()
    }
  }

  deinit { queue.stop() }

  /// The next batch, waiting for it if need be; nil after the last one, and after `stop()`.
  /// - Throws: `DataError` naming a file that cannot be read.
  func next() throws -> NormalizedBatch? { try queue.take() }

  /// Ends the loading; whoever waits in `next()` gets nil.
  func stop() { queue.stop() }
}

/// What a batch is made from.
private struct BatchWork: Sendable {
  private let student: SeenImages
  private let teacher: SeenImages?
  /// Whether what the student sees can be made of what the teacher sees.
  private let isReduced: Bool

  init(_ images: ImageSet, _ teacher: ImageSet?, _ plan: BatchPlan) {
    student = SeenImages(images, plan)
    self.teacher = teacher.map { SeenImages($0, plan) }
    isReduced = teacher?.isWhole(of: images) ?? false
  }

  func batch(_ order: BatchOrder) throws -> NormalizedBatch {
    var batch = try seen(order)
    if let whole = order.whole {
      batch.whole = NormalizedBatch.Whole(rank: order.rank, indices: whole, labels: student.images.classes(of: whole))
    }
    return batch
  }

  private func seen(_ order: BatchOrder) throws -> NormalizedBatch {
    guard let teacher else { return NormalizedBatch(try student.bytes(order), of: student.images, student.table) }
    let whole = try teacher.bytes(order)
    // An image is decoded, cut and scaled once for both.
    let bytes = isReduced ? ByteBatch(student.images, reducing: whole, student.renderer) : try student.bytes(order)
    return NormalizedBatch(
      bytes, of: student.images, student.table, teacher: NormalizedImages(whole, of: teacher.images, teacher.table))
  }
}

/// Images, and what makes numbers of them.
private struct SeenImages: Sendable {
  let images: ImageSet
  let renderer: ViewRenderer
  let table: PixelTable

  init(_ images: ImageSet, _ plan: BatchPlan) {
    (self.images, renderer, table) = (images, ViewRenderer(images, plan.augmentation), PixelTable(images))
  }

  func bytes(_ order: BatchOrder) throws -> ByteBatch {
    try ByteBatch(
      images, views: order.views, renderer, epoch: order.position.epoch, index: order.position.batch)
  }
}

/// A batch that is to be made.
private struct BatchOrder {
  let position: BatchPosition
  let views: [View]
  let rank: Rank
  /// The places of all ranks' images in the set; nil where one process has all of them.
  let whole: [Int64]?
}

/// Which batch comes when.
private struct BatchSchedule {
  private let plan: BatchPlan
  private let endEpoch: Int
  private let rank: Rank
  private var left: Int
  private var position: BatchPosition
  private var epochPlan: EpochPlan?

  init(_ plan: BatchPlan, from start: BatchPosition, endEpoch: Int, count: Int, rank: Rank) {
    (self.plan, position, self.endEpoch, left, self.rank) = (plan, start, endEpoch, count, rank)
  }

  /// The next batch that the rank has a row of.
  mutating func next() -> BatchOrder? {
    while let order = nextOrder() {
      if !order.views.isEmpty { return order }
    }
    return nil
  }

  private mutating func nextOrder() -> BatchOrder? {
    if position.batch >= plan.batchesPerEpoch {
      position = BatchPosition(epoch: position.epoch + 1)
      epochPlan = nil
    }
    guard left > 0, position.epoch < endEpoch, plan.batchesPerEpoch > 0 else { return nil }
    left -= 1
    let epochPlan = self.epochPlan ?? plan.epoch(position.epoch)
    self.epochPlan = epochPlan
    defer { position.batch += 1 }
    let all = epochPlan.batch(position.batch)
    guard rank.count > 1 else { return BatchOrder(position: position, views: all, rank: rank, whole: nil) }
    let rows = rank.rows(withPartnerOf: all.count, plan.augmentation)
    return BatchOrder(
      position: position, views: rows.map { all[$0] }, rank: rank, whole: all.map { Int64($0.index) })
  }
}

/// A bounded queue between threads that make batches, each when it can, and one that takes them in their order.
private final class BatchQueue: @unchecked Sendable {
  // All state below is touched only while `condition` is locked.
  private let condition = NSCondition()
  private let capacity: Int
  private var schedule: BatchSchedule
  private var made: [Int: Result<NormalizedBatch, any Error>] = [:]
  private var ordered = 0
  private var taken = 0
  private var isFinished = false
  private var isStopped = false

  init(_ schedule: BatchSchedule, capacity: Int) { (self.schedule, self.capacity) = (schedule, capacity) }

  /// The next batch to be made, waiting until there is room for it; nil where there is none.
  func order() -> (ticket: Int, BatchOrder)? {
    condition.withLock {
      while ordered - taken >= capacity && !isStopped { condition.wait() }
      guard !isStopped, !isFinished, let order = schedule.next() else {
        isFinished = true
        condition.broadcast()
        return nil
      }
      ordered += 1
      return (ordered - 1, order)
    }
  }

  func put(_ batch: Result<NormalizedBatch, any Error>, for ticket: Int) {
    condition.withLock {
      guard !isStopped else { return }
      made[ticket] = batch
      condition.broadcast()
    }
  }

  func take() throws -> NormalizedBatch? {
    try condition.withLock {
      while made[taken] == nil, !isStopped, !isFinished || taken < ordered { condition.wait() }
      guard !isStopped, let batch = made.removeValue(forKey: taken) else { return nil }
      taken += 1
      if case .failure = batch { isStopped = true }
      condition.broadcast()
      return try batch.get()
    }
  }

  func stop() {
    condition.withLock {
      isStopped = true
      made.removeAll()
      condition.broadcast()
    }
  }
}
