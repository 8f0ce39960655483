// Which batches make a step of the optimiser: a pure function, so that a resumed run needs no state for it.

/// So many batches of an epoch make one step; the last ones may be fewer.
struct UpdatePlan {
  /// The batches of a step.
  let batches: Int
  /// Those of an epoch.
  let batchesPerEpoch: Int

  /// Whether a batch, counted from 0, is the last one of a step.
  func endsStep(_ batch: Int) -> Bool { (batch + 1) % batches == 0 || batch + 1 == batchesPerEpoch }

  /// How many batches make the step that a batch belongs to.
  func size(of batch: Int) -> Int { min(batches, batchesPerEpoch - batch / batches * batches) }

  var stepsPerEpoch: Int { (batchesPerEpoch + batches - 1) / batches }

  /// The number of the step that a batch belongs to, over all epochs, counted from 1.
  func step(_ position: BatchPosition) -> Int { position.epoch * stepsPerEpoch + position.batch / batches + 1 }
}
