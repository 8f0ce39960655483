// CRD beyond its golden values: how negatives are drawn, and what becomes of the memory banks.

import Foundation
import GoldenFiles
import Kindred
import TestSupport
import Testing
import Torch

/// Two samples of class 0, then of class 1 and so on to class 9; the last four have none.
private let labels = (0..<20).map { $0 / 2 } + [-1, -1, -1, -1]

private func loss(
  negatives: Int, temperature: Double = 0.07, labels: [Int] = labels, widths: (student: Int, teacher: Int) = (4, 6),
  seed: UInt64 = 1
) throws -> any DistillationLoss {
  var method = ContrastiveRepresentationDistillation()
  (method.negatives, method.temperature) = (negatives, temperature)
  let network = { NetworkDescription(name: "a network", classes: 3, taps: ["pooled": [$0]]) }
  return try method.loss(
    for: LossSetup(
      student: network(widths.student), teacher: network(widths.teacher),
      samples: .init(count: labels.count, labels: labels), generator: Generator(seed: seed)))
}

private func batch(_ indices: [Int], at position: BatchPosition = BatchPosition()) -> Batch {
  Batch(
    .zeros([indices.count, 1]), labels: Tensor(indices.map { Int64(labels[$0]) }, shape: [indices.count]),
    indices: Tensor(indices.map(Int64.init), shape: [indices.count]), position: position)
}

/// The negatives of a batch, a row for each input.
private func drawn(_ loss: any DistillationLoss, _ batch: Batch, seed: UInt64 = 1) throws -> [[Int]] {
  let negatives = try #require(loss.prepare(batch, seed: seed)["negatives"])
  #expect(negatives.shape[0] == batch.count && negatives.dtype == .int64)
  return (0..<batch.count).map { negatives[$0].elements(as: Int64.self).map(Int.init) }
}

@Suite struct ContrastiveNegativesTests {
  /// Few, more than half, all and more than all of the 20 to 22 others.
  @Test(arguments: [1, 5, 15, 20, 21, 50])
  func areOfOtherClassesAndDistinctWhileThereAreEnough(count: Int) throws {
    let indices = Array(labels.indices)
    for (index, negatives) in zip(indices, try drawn(loss(negatives: count), batch(indices))) {
      let others = indices.filter { labels[$0] != labels[index] }
      #expect(negatives.count == count)
      #expect(Set(negatives).isSubset(of: others), "\(index)")
      if count <= others.count { #expect(Set(negatives).count == count, "\(index)") }
    }
  }

  @Test func areAFunctionOfSeedAndPosition() throws {
    let loss = try loss(negatives: 8)
    let draw = { (position: BatchPosition, seed: UInt64) in
      try drawn(loss, batch([3, 7, 3], at: position), seed: seed)
    }
    let position = BatchPosition(epoch: 2, batch: 5)
    let negatives = try draw(position, 1)
    #expect(try draw(position, 1) == negatives)
    #expect(negatives[0] != negatives[2])
    #expect(try draw(position, 2) != negatives)
    #expect(try draw(BatchPosition(epoch: 2, batch: 6), 1) != negatives)
    #expect(try draw(BatchPosition(epoch: 3, batch: 5), 1) != negatives)
  }

  /// 4 are drawn, 18 drawn by leaving 4 out, and 30 drawn with replacement.
  @Test(arguments: [4, 18, 30])
  func areEquallyLikely(count: Int) throws {
    let loss = try loss(negatives: count)
    var counts = [Int](repeating: 0, count: labels.count)
    for position in 0..<2_000 {
      let negatives = try drawn(loss, batch([9], at: BatchPosition(batch: position)))[0]
      for negative in negatives { counts[negative] += 1 }
    }
    let others = counts.indices.filter { labels[$0] != labels[9] }.map { Double(counts[$0]) }
    let expected = Double(2_000 * count) / 22
    // Twenty-one degrees of freedom, one in a thousand; fewer where the draws of a batch exclude each other.
    #expect(others.map { ($0 - expected) * ($0 - expected) / expected }.reduce(0, +) < 46.8)
  }

  @Test func samplesOfOneClassAreRefused() {
    let error = #expect(throws: MethodError.self) { try loss(negatives: 4, labels: [1, 1, 1]) }
    #expect(error?.description.contains("all are of one") == true)
  }
}

@Suite struct ContrastiveBanksTests {
  /// A step of random vectors, and what the loss gives for it.
  private func step(
    _ loss: any DistillationLoss, _ batch: Batch, scale: Double = 1
  ) -> (student: Tensor, value: Tensor) {
    let generator = Generator(seed: 1)
    let student = leaf(generator.normal([batch.count, 4]) * scale)
    let teacher = TeacherOutput(Activations(taps: ["pooled": generator.normal([batch.count, 6])]), loss.statistics)
    let objective = Objective([.init("crd", loss, weight: 1)])
    let step = Step(
      student: Activations(taps: ["pooled": student]), teacher: teacher, batch: objective.prepare(batch, seed: 1))
    return (student, objective(step).total)
  }

  private func state(_ loss: any DistillationLoss) throws -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: try #require(loss.module).state.map { ($0.name, $0.tensor) })
  }

  /// Of a sample that is twice in a batch the last vector counts; other rows stay.
  @Test func aSampleMayBeTwiceInABatch() throws {
    let loss = try loss(negatives: 8)
    let before = try state(loss).mapValues { $0.detached().clone() }
    let (student, value) = step(loss, batch([5, 2, 5]))
    #expect(value.item.isFinite)
    let vectors = try student.linear(#require(before["embed_s.weight"]), bias: before["embed_s.bias"])
    let (old, new) = (try #require(before["memory_s"]), try #require(state(loss)["memory_s"]))
    for (row, input) in [(5, 2), (2, 1)] {
      let mixed = old[row] * 0.5 + vectors[input] / vectors[input].norm() * 0.5
      #expect(relativeError(new[row], mixed / mixed.norm()) < 1e-6)
    }
    #expect((new - old).abs().sum([1]).greater(than: 0).sum().item == 2)
  }

  /// Scores of +-1000 or so, whose exponentials no float32 holds.
  @Test func scoresMayBeLarge() throws {
    let loss = try loss(negatives: 8, temperature: 0.02)
    try #require(try state(loss)["normalizer_s"]).fillInPlace(1)
    try #require(try state(loss)["memory_t"]).copyInPlace(Generator(seed: 3).normal([24, 128], deviation: 20))
    let (student, value) = step(loss, batch([5, 2, 9, 20]), scale: 1e6)
    #expect(value.item.isFinite && value.item > 1_000)
    #expect(try gradient(value, at: student).isFinite.sum().item == 16)
  }

  /// Calibration looks at the loss several times, and each time changes the banks.
  @Test func aWeightCanBeFound() throws {
    let loss = try loss(negatives: 8, widths: (6, 8))
    let before = try #require(loss.module).bytes
    let batches = (0..<3).map { TinyBatches.batch(at: BatchPosition(batch: $0)) }
    let term = Objective.Term("crd", loss, weight: nil)
    let weight = try WeightCalibration(fraction: 0.5).weight(
      of: term, student: TinyNetwork(3, seed: 4),
      teacher: LiveTeacher(TinyNetwork(4, seed: 8).warmedUp(), statistics: loss.statistics),
      batches: batches.map { Objective([term]).prepare($0, seed: 1) })
    #expect(weight > 0 && weight.isFinite)
    #expect(loss.module?.bytes == before)
  }

  private func run(seed: UInt64) throws -> Distiller {
    let loss = try loss(negatives: 12, seed: seed)
    let objective = Objective([.crossEntropy(), .init("crd", loss, weight: 0.8)])
    return Distiller(
      student: TinyNetwork(2, seed: seed),
      teacher: LiveTeacher(TinyNetwork(3, seed: 50).warmedUp(), statistics: objective.statistics), objective: objective,
      recipe: Recipe(epochs: 3, optimizer: .sgd(learningRate: 0.05)))
  }

  private func go(_ distiller: Distiller, steps: Int = .max) throws {
    var done = 0
    _ = try distiller.run(
      on: TinyBatches(lastBatchSize: 4), evaluate: TinyBatches.evaluate,
      shouldStop: {
        done += 1
        return done >= steps
      }, onEvent: { _ in })
  }

  /// Stopped before and after the banks have been gone through once.
  @Test(arguments: [1, 6])
  func aResumedRunIsTheSameRun(steps: Int) throws {
    let state = { (distiller: Distiller) in
      [distiller.student.bytes] + distiller.objective.modules.map(\.module.bytes)
    }
    let whole = try run(seed: 1)
    let initial = state(whole)
    try go(whole)
    try withTestFolder { folder in
      let file = folder.appendingPathComponent("checkpoint.safetensors")
      let stopped = try run(seed: 1)
      try go(stopped, steps: steps)
      try Checkpoint.save(stopped, to: file)
      let resumed = try run(seed: 9)
      try Checkpoint.load(file, into: resumed)
      #expect(state(resumed) == state(stopped))
      try go(resumed)
      #expect(state(resumed) == state(whole))
    }
    for name in ["memory_s", "memory_t", "normalizer_s", "normalizer_t", "embed_s.weight", "embed_t.weight"] {
      #expect(state(whole)[1][name] != initial[1][name], "\(name)")
    }
  }
}
