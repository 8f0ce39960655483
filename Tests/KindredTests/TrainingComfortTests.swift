// What recipes offer beside the optimiser: accumulated and clipped gradients, groups of parameters, the moving average of the
// weights, frozen stages, and an end for want of better.

import Foundation
import GoldenFiles
import Graph
import Kindred
import TestSupport
import Testing
import Torch

/// Two linear layers and no batch norm, so that a batch's gradient is the mean of its inputs'.
private final class TwoLayers: Network {
  let first: Linear
  let fc: Linear

  init(seed: UInt64) {
    let generator = Generator(seed: seed)
    first = Linear(2 * 6 * 6, 5, generator: generator)
    fc = Linear(5, TinyNetwork.classes, generator: generator)
  }

  override var classifier: Linear? { fc }

  override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    let hidden = first(input.flattened(from: 1)).relu()
    taps["hidden"] = hidden
    return fc(hidden)
  }
}

/// The batches of `TinyBatches`, several at once: as many as are named, one after another.
private struct JoinedBatches: BatchSource {
  let sizes: [Int]
  let batchSize = 12
  var batchesPerEpoch: Int { sizes.count }

  func batches(from start: BatchPosition) -> any BatchIterator {
    var number = 0
    let all = sizes.enumerated().map { index, size in
      let parts = (0..<size).map { TinyBatches.batch(at: BatchPosition(epoch: 0, batch: number + $0)) }
      number += size
      return Batch(
        Tensor.concatenated(parts.map(\.student)), labels: Tensor.concatenated(parts.map { $0.requiredLabels() }),
        indices: Tensor.concatenated(parts.map(\.indices)), position: BatchPosition(epoch: 0, batch: index))
    }
    return all[start.batch...].makeIterator()
  }
}

private func train(
  _ student: Network, _ recipe: Recipe, on source: any BatchSource = TinyBatches(),
  afterStep: (Distiller) -> Void = { _ in }
) throws -> Distiller {
  let distiller = Distiller(student: student, objective: Objective([.crossEntropy()]), recipe: recipe)
  let events = distiller.events(on: source)
  while let event = try events.next() {
    if case .step = event { afterStep(distiller) }
  }
  return distiller
}

private func recipe(
  epochs: Int = 1, _ optimizer: OptimizerOptions = .sgd(learningRate: 0.1), backboneRateFactor: Double = 1,
  accumulate: Int = 1, clipGradients: Double? = nil, ema: Double? = nil, evaluateEvery: Int = 1, patience: Int? = nil
) -> Recipe {
  Recipe(
    epochs: epochs, optimizer: optimizer, schedule: .init(.constant), backboneRateFactor: backboneRateFactor,
    accumulate: accumulate, clipGradients: clipGradients, ema: ema, evaluateEvery: evaluateEvery, patience: patience)
}

/// The largest difference of two networks' parameters, of the largest value.
private func difference(_ one: Network, _ other: Network) -> Double {
  zip(one.parameters, other.parameters).map { relativeError($0, $1) }.max() ?? .nan
}

/// An evaluation on ten inputs.
private func answers(right: Int) -> Evaluation {
  let tally = EvaluationTally(classCount: 2)
  let rows = (0..<10).flatMap { $0 < right ? [1, 0] : [0, 1] as [Float] }
  tally.add(logits: Tensor(rows, shape: [10, 2]), labels: Tensor([Int64](repeating: 0, count: 10), shape: [10]))
  // A process alone exchanges nothing that could fail.
  return try! tally.evaluation()
}

/// The batches of the golden runs.
private struct GoldenBatches: BatchSource {
  let golden: Golden
  let batchesPerEpoch = 5
  let batchSize = 6

  func batches(from start: BatchPosition) -> any BatchIterator {
    var number = start.epoch * batchesPerEpoch + start.batch
    return AnyIterator {
      defer { number += 1 }
      let position = BatchPosition(epoch: number / batchesPerEpoch, batch: number % batchesPerEpoch)
      guard let images = try? golden["images"][position.batch], let labels = try? golden["labels"][position.batch]
      else {
        return nil
      }
      return Batch(images, labels: labels, indices: Tensor.arange(batchSize), position: position)
    }
  }
}

@Suite struct TrainingComfortTests {
  /// A whole run with all of it, step for step PyTorch's: `training.py`.
  @Test(arguments: ["trained", "frozen"])
  func aRunIsPyTorchs(name: String) throws {
    let golden = try Golden("training")
    let student = TinyNetwork(2, seed: 1)
    try student.load(Dictionary(uniqueKeysWithValues: student.state.map { ($0.name, try golden["start/\($0.name)"]) }))
    if name == "frozen" { try student.freeze(upTo: ["stage1"], inputShape: [2, 6, 6]) }
    let distiller = Distiller(
      student: student, objective: Objective([.crossEntropy()]),
      recipe: Recipe(
        epochs: 2, optimizer: .sgd(learningRate: 0.05, weightDecay: 0.05, weightDecayOn: .weights),
        schedule: .init(.step(milestones: [1], factor: 0.2)), backboneRateFactor: 0.5, accumulate: 2,
        clipGradients: 0.2, ema: 0.35))
    var norms: [Double] = []
    let events = distiller.events(on: GoldenBatches(golden: golden))
    while let event = try events.next() {
      if case .epoch(let report) = event { norms.append(try #require(report.gradientNorm)) }
    }
    let expected = try golden["\(name)/norms"].elements(as: Double.self)
    #expect(norms.count == 2 && zip(norms, expected).allSatisfy { abs($0 - $1) < 1e-4 * $1 })
    for (key, tensor) in student.state {
      #expect(relativeError(tensor, try golden["\(name)/\(key)"]) < 1e-4, "\(key)")
      let average = try #require(distiller.average?.state[key])
      #expect(relativeError(average, try golden["\(name)-ema/\(key)"]) < 1e-4, "the average of \(key)")
    }
  }

  /// Without batch norms the mean of batches' losses is the loss of all their inputs; the batches that are left make a step.
  @Test(arguments: [(2, [2, 2]), (3, [3, 1]), (4, [4]), (9, [4])])
  func accumulatedBatchesAreALargerOne(batches: Int, sizes: [Int]) throws {
    let (many, few) = (TwoLayers(seed: 1), TwoLayers(seed: 1))
    _ = try train(many, recipe(accumulate: batches))
    _ = try train(few, recipe(), on: JoinedBatches(sizes: sizes))
    #expect(difference(many, few) < 1e-5)
    #expect(difference(many, TwoLayers(seed: 1)) > 1e-2)
  }

  /// The log has the mean of the norms that PyTorch's formula starts from, here found from the weights of plain SGD.
  @Test func clippedGradientsAreShort() throws {
    let student = TwoLayers(seed: 1)
    var last = student.parameters.map { $0.detached().clone() }
    var lengths: [Double] = []
    let plain = OptimizerOptions.sgd(learningRate: 1, momentum: 0, nesterov: false, weightDecay: 0)
    let run = Distiller(
      student: student, objective: Objective([.crossEntropy()]), recipe: recipe(plain, clipGradients: 0.01))
    let events = run.events(on: TinyBatches(epochs: 1))
    var norm: Double?
    while let event = try events.next() {
      if case .epoch(let report) = event { norm = report.gradientNorm }
      guard case .step = event else { continue }
      let steps = zip(student.parameters, last).map { ($0.detached() - $1).squared().sum().item }
      lengths.append(steps.reduce(0, +).squareRoot())
      last = student.parameters.map { $0.detached().clone() }
    }
    #expect(lengths.count == 4 && lengths.allSatisfy { abs($0 - 0.01) < 1e-5 })
    #expect(try #require(norm) > 0.05)
  }

  @Test func theBackboneLearnsAtItsOwnRate() throws {
    let plain = OptimizerOptions.sgd(learningRate: 0.1, momentum: 0, nesterov: false, weightDecay: 0)
    let (start, whole, tenth) = (TwoLayers(seed: 1), TwoLayers(seed: 1), TwoLayers(seed: 1))
    let source = JoinedBatches(sizes: [1])
    _ = try train(whole, recipe(plain), on: source)
    _ = try train(tenth, recipe(plain, backboneRateFactor: 0.1), on: source)
    #expect(tenth.fc.bytes == whole.fc.bytes)
    let (slow, fast) = (tenth.first.weight - start.first.weight, whole.first.weight - start.first.weight)
    #expect(relativeError(slow * 10, fast) < 1e-4)
  }

  @Test func normsAndBiasesDoNotDecay() throws {
    func trained(on scope: WeightDecayScope) throws -> TinyNetwork {
      let network = TinyNetwork(2, seed: 1)
      _ = try train(
        network,
        recipe(.sgd(learningRate: 0.1, momentum: 0, nesterov: false, weightDecay: 0.5, weightDecayOn: scope)),
        on: JoinedBatches(sizes: [1]))
      return network
    }
    let (start, all, weights) = (TinyNetwork(2, seed: 1), try trained(on: .all), try trained(on: .weights))
    for ((name, before), (one, other)) in zip(
      start.state, zip(all.state, weights.state).map { ($0.tensor, $1.tensor) }) where before.requiresGradient
    {
      let decay = WeightDecayScope.weights.includes(name, before) ? before * 0 : before * (0.1 * 0.5)
      #expect((other.detached() - one.detached() - decay).abs().maximum().item < 1e-6, "\(name)")
    }
  }

  /// By its formula, over the weights that each step of two batches left.
  @Test func theAverageFollowsTheStepsOfTheOptimizer() throws {
    let student = TwoLayers(seed: 1)
    var (expected, step, batches) = (student.fc.weight.elements(as: Float.self).map { Double($0) }, 0, 0)
    let distiller = try train(student, recipe(epochs: 3, accumulate: 2, ema: 0.25)) { _ in
      batches += 1
      guard batches % 2 == 0 else { return }
      step += 1
      let decay = min(0.25, Double(1 + step) / Double(10 + step))
      expected = zip(expected, student.fc.weight.elements(as: Float.self)).map { decay * $0 + (1 - decay) * Double($1) }
    }
    #expect(step == 6)
    let average = try #require(distiller.average?.state["fc.weight"]).elements(as: Float.self)
    #expect(zip(average, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    #expect(average != student.fc.weight.elements(as: Float.self))
  }

  /// A stage that is frozen gives in training what it gives in evaluation, for a network's code and for a graph alike.
  @Test func aFrozenStageStaysAsItIs() throws {
    let network = TinyNetwork(2, seed: 1).warmedUp()
    let graph = GraphNetwork(try TinyNetwork(2, seed: 1).warmedUp().graph(of: [2, 6, 6]))
    for student in [network, graph] as [Network] {
      try student.freeze(upTo: ["stage1"], inputShape: [2, 6, 6])
      let images = TinyBatches.batch(at: BatchPosition()).student
      let request = ActivationRequest(taps: ["stage1", "stage2"])
      student.evaluate()
      let expected = withoutGradients { student.activations(of: images, request) }
      let before = student.bytes
      _ = try train(student, recipe(epochs: 2, .sgd(learningRate: 0.1)))
      let given = withoutGradients { student.activations(of: images, request) }
      #expect(student.isTraining)
      #expect(given.tap("stage1").bytes() == expected.tap("stage1").bytes())
      #expect(given.tap("stage2").bytes() != expected.tap("stage2").bytes())
      let changed = Set(student.bytes.filter { before[$0.key] != $0.value }.keys)
      let late = Set(before.keys.filter { $0.hasPrefix("conv2") || $0.hasPrefix("bn2") || $0.hasPrefix("fc") })
      #expect(changed == late)
    }
    #expect(graph.bytes.allSatisfy { network.bytes[$0.key] == $0.value })
    #expect(throws: StateError.self) { try network.freeze(upTo: ["stage9"], inputShape: [2, 6, 6]) }
  }

  /// The best epoch, the evaluations since, and the end, also where the run was stopped and resumed on the way.
  @Test(arguments: [0, 5, 9])
  func aRunEndsWhenItGetsNoBetter(stop: Int) throws {
    let accuracies = [3, 5, 4, 5, 6, 1]
    func run(_ distiller: Distiller, from first: Int, steps: Int = .max) throws -> Distiller.Outcome {
      var (evaluation, done) = (first, 0)
      return try distiller.run(
        on: TinyBatches(epochs: 6),
        evaluate: { _ in
          defer { evaluation += 1 }
          return answers(right: accuracies[evaluation])
        },
        shouldStop: {
          done += 1
          return done >= steps
        }, onEvent: { _ in })
    }
    func make() -> Distiller {
      Distiller(
        student: TwoLayers(seed: 1), objective: Objective([.crossEntropy()]), recipe: recipe(epochs: 6, patience: 2))
    }
    let distiller = make()
    try withTestFolder { folder in
      if stop > 0 {
        let (file, stopped) = (folder.appendingPathComponent("checkpoint.safetensors"), make())
        #expect(try run(stopped, from: 0, steps: stop) == .stopped)
        try Checkpoint.save(stopped, to: file)
        try Checkpoint.load(file, into: distiller)
      }
      #expect(try run(distiller, from: stop / 4) == .finished)
    }
    #expect(distiller.progress.position.epoch == 4)
    #expect(distiller.endedEarly && distiller.isFinished)
    let best = try #require(distiller.progress.best)
    #expect(best.epoch == 2 && best.accuracy == 0.5 && best.evaluationsSince == 2 && !best.isAverage)
    #expect(try run(distiller, from: 4) == .finished)
    #expect(distiller.progress.position.epoch == 4)
  }

  /// The better of the student and its average counts, and the student has its own weights again.
  @Test func theAverageIsMeasuredBesideTheStudent() throws {
    let student = TwoLayers(seed: 1)
    let distiller = try train(student, recipe(ema: 0.9))
    let bytes = student.bytes
    var seen: [[String: [UInt8]]] = []
    let measured = try distiller.measured { network in
      seen.append(network.bytes)
      return answers(right: seen.count)
    }
    #expect(seen.count == 2 && seen[0] == bytes && student.bytes == bytes)
    #expect(seen[1] == distiller.average?.state.mapValues { $0.bytes() })
    #expect(measured.isAverageBetter && measured.accuracy == 0.2)
  }
}
