// Batches made ahead of the training step, on a thread of its own.

import Foundation

/// Crops, flips and normalises the plan's batches on a thread of its own while the training step computes.
///
/// The thread does no libtorch arithmetic, so that it wakes no second pool of threads. The batches come in the plan's order, across epochs without a pause; at most `ahead` of them wait in memory.
/// The thread ends when the plan ends, at `stop()`, or when the loader is freed.
final class BatchLoader: Sendable {
  private let queue: BatchQueue

  /// Starts the thread, from batch `startBatch` of epoch `startEpoch` to the end of epoch `endEpoch - 1`.
  ///
  /// The plan must be one for `images`.
  convenience init(
    images: ImageSet, plan: BatchPlan, startEpoch: Int = 0, startBatch: Int = 0, endEpoch: Int, ahead: Int = 3
  ) {
    self.init(
      images: images, plan: plan, startEpoch: startEpoch, startBatch: startBatch, endEpoch: endEpoch, ahead: ahead,
      threadName: "kindred.loader")
  }

  init(
    images: ImageSet, plan: BatchPlan, startEpoch: Int = 0, startBatch: Int = 0, endEpoch: Int, ahead: Int = 3,
    threadName: String
  ) {
    precondition(plan.count == images.count, "the plan is for \(plan.count) images, the set has \(images.count)")
    precondition(startEpoch >= 0 && startBatch >= 0 && ahead > 0, "a start and a queue cannot be negative")
    let queue = BatchQueue(capacity: ahead)
    self.queue = queue
    // The thread holds the queue and never the loader, so that freeing the loader can stop it.
    let thread = Thread {
      BatchLoader.fill(queue, images, plan, from: (startEpoch, startBatch), endEpoch: endEpoch)
      queue.finish()
    }
    thread.name = threadName
    thread.start()
  }

  deinit { queue.stop() }

  /// The next batch, waiting for it if need be; nil after the last one, and after `stop()`.
  func next() -> NormalizedBatch? { queue.take() }

  /// Ends the loading; whoever waits in `next()` gets nil.
  func stop() { queue.stop() }

  private static func fill(
    _ queue: BatchQueue, _ images: ImageSet, _ plan: BatchPlan, from start: (epoch: Int, batch: Int), endEpoch: Int
  ) {
    let table = PixelTable(images)
    var firstBatch = start.batch
    var epoch = start.epoch
    while epoch < endEpoch, plan.batchesPerEpoch > 0 {
      let epochPlan = plan.epoch(epoch)
      for index in stride(from: firstBatch, to: epochPlan.batchCount, by: 1) {
        guard queue.waitForRoom() else { return }
        let bytes = ByteBatch(images, views: epochPlan.batch(index), epoch: epoch, index: index)
        queue.put(NormalizedBatch(bytes, of: images, table))
      }
      firstBatch = 0
      epoch += 1
    }
  }
}

/// A bounded queue between one thread that makes batches and those that take them.
private final class BatchQueue: @unchecked Sendable {
  // All state below is touched only while `condition` is locked.
  private let condition = NSCondition()
  private let capacity: Int
  private var waiting: [NormalizedBatch] = []
  private var isFinished = false
  private var isStopped = false

  init(capacity: Int) { self.capacity = capacity }

  /// False once the queue was stopped.
  func waitForRoom() -> Bool {
    condition.withLock {
      while waiting.count >= capacity && !isStopped { condition.wait() }
      return !isStopped
    }
  }

  func put(_ batch: NormalizedBatch) {
    condition.withLock {
      guard !isStopped else { return }
      waiting.append(batch)
      condition.broadcast()
    }
  }

  func take() -> NormalizedBatch? {
    condition.withLock {
      while waiting.isEmpty && !isFinished && !isStopped { condition.wait() }
      guard !waiting.isEmpty else { return nil }
      condition.broadcast()
      return waiting.removeFirst()
    }
  }

  func finish() {
    condition.withLock {
      isFinished = true
      condition.broadcast()
    }
  }

  func stop() {
    condition.withLock {
      isStopped = true
      waiting.removeAll()
      condition.broadcast()
    }
  }
}
