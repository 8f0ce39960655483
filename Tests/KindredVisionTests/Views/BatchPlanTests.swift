// The plan is a pure function of seed and epoch, and its choices are uniform.

import Testing

@testable import KindredVision

@Suite struct BatchPlanTests {
  private let augmentation = Augmentation(cropPadding: 4, flip: true)

  private func plan(_ count: Int, batch: Int, seed: UInt64 = 5, dropsLast: Bool = true) -> BatchPlan {
    BatchPlan(count: count, batchSize: batch, seed: seed, augmentation: augmentation, dropsLast: dropsLast)
  }

  private func geometry(_ view: View, _ augmentation: Augmentation) -> ViewGeometry {
    ViewRenderer(noiseSet(count: 1, width: 32, height: 32), augmentation).geometry(view, ofImage: 32, 32)
  }

  @Test func sameSeedAndEpochGiveTheSamePlan() {
    let reference = plan(500, batch: 10)
    #expect(plan(500, batch: 10).epoch(3).views == reference.epoch(3).views)
    #expect(reference.epoch(4).views != reference.epoch(3).views)
    #expect(plan(500, batch: 10, seed: 6).epoch(3).views != reference.epoch(3).views)
  }

  @Test func everyEpochIsAPermutation() {
    for epoch in 0..<20 {
      let indices = plan(123, batch: 10, dropsLast: false).epoch(epoch).views.map { Int($0.index) }
      #expect(indices != Array(0..<123))
      #expect(indices.sorted() == Array(0..<123))
    }
  }

  @Test func lastSmallerBatchIsDroppedOrKept() {
    let dropping = plan(103, batch: 10)
    #expect(dropping.batchesPerEpoch == 10)
    #expect(dropping.epoch(0).views.count == 100)
    let keeping = plan(103, batch: 10, dropsLast: false)
    #expect(keeping.batchesPerEpoch == 11)
    #expect(keeping.epoch(0).batch(10).count == 3)
    #expect((0..<11).flatMap { keeping.epoch(0).batch($0) } == keeping.epoch(0).views)
    #expect(plan(9, batch: 10).batchesPerEpoch == 0)
    #expect(plan(0, batch: 10, dropsLast: false).epoch(0).views.isEmpty)
  }

  @Test func cropAndFlipDependOnTheImageAlone() {
    let small = plan(300, batch: 7, dropsLast: false).epoch(2).views
    let large = plan(400, batch: 64, dropsLast: false).epoch(2).views
    let byIndex = Dictionary(uniqueKeysWithValues: large.map { ($0.index, $0) })
    #expect(small.allSatisfy { byIndex[$0.index] == $0 })
  }

  @Test func shiftsAndFlipsAreUniform() {
    var shifts = [Int](repeating: 0, count: 81)
    var flips = [0, 0]
    for epoch in 0..<10 {
      for view in plan(4_050, batch: 1).epoch(epoch).views.map({ geometry($0, augmentation) }) {
        shifts[(view.shiftY + 4) * 9 + view.shiftX + 4] += 1
        flips[view.isFlipped ? 1 : 0] += 1
      }
    }
    #expect(chiSquare(shifts) < 124.9, "80 degrees of freedom, one in a thousand")
    #expect(chiSquare(flips) < 10.9, "one degree of freedom, one in a thousand")
  }

  @Test func ordersAreUniform() {
    var orders: [[Int32]: Int] = [:]
    let plan = BatchPlan(count: 4, batchSize: 1, seed: 0, augmentation: .none)
    for epoch in 0..<4_800 { orders[plan.epoch(epoch).views.map(\.index), default: 0] += 1 }
    #expect(orders.count == 24)
    #expect(chiSquare(Array(orders.values)) < 49.8, "23 degrees of freedom, one in a thousand")
  }

  @Test func nothingIsMovedWithoutAugmentation() {
    let plan = BatchPlan(count: 50, batchSize: 50, seed: 1, augmentation: .none)
    #expect(plan.epoch(0).views.allSatisfy { $0 == View(index: $0.index) })
    let unflipped = Augmentation(cropPadding: 2, flip: false)
    let cropOnly = BatchPlan(count: 50, batchSize: 50, seed: 1, augmentation: unflipped)
    let geometries = cropOnly.epoch(0).views.map { geometry($0, unflipped) }
    #expect(geometries.allSatisfy { !$0.isFlipped && abs($0.shiftX) <= 2 && abs($0.shiftY) <= 2 })
  }
}
