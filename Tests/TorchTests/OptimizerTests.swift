// Optimisers and schedules against PyTorch's, step by step.

import GoldenFiles
import Testing
import Torch

/// An optimiser of the golden file and how Kindred makes it.
struct OptimizerCase: Sendable, CustomTestStringConvertible {
  let name: String
  var rates: [Double]?
  let make: @Sendable ([Tensor]) -> any Optimizer

  var testDescription: String { name }

  static let all: [OptimizerCase] = [
    .init(name: "sgd") { SGD($0, learningRate: 0.1) },
    .init(name: "sgd-decay") { SGD($0, learningRate: 0.1, weightDecay: 5e-4) },
    .init(name: "sgd-momentum") { SGD($0, learningRate: 0.1, momentum: 0.9) },
    .init(name: "sgd-momentum-decay") { SGD($0, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4) },
    .init(name: "sgd-nesterov") { SGD($0, learningRate: 0.1, momentum: 0.9, nesterov: true) },
    .init(name: "sgd-nesterov-decay") {
      SGD($0, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4, nesterov: true)
    },
    .init(name: "sgd-nesterov-rates", rates: scheduledRates) {
      SGD($0, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4, nesterov: true)
    },
    .init(name: "adamw") { AdamW($0, learningRate: 0.01) },
    .init(name: "adamw-tuned") {
      AdamW($0, learningRate: 0.01, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1)
    },
    .init(name: "sgd-groups", rates: scheduledRates) {
      SGD(
        [.init([$0[0]], rateFactor: 0.1, weightDecay: 5e-4), .init([$0[1]])], learningRate: 5, momentum: 0.9,
        nesterov: true)
    },
    .init(name: "adamw-groups", rates: scheduledRates) {
      AdamW(
        [.init([$0[0]], weightDecay: 0.1), .init([$0[1]], rateFactor: 0.5)], learningRate: 5, betas: (0.8, 0.95))
    },
  ]

  static let scheduledRates = [0.1, 0.1, 0.02, 0.02, 0.004]
}

@Suite struct OptimizerTests {
  /// Both golden parameters before the first step.
  private func start(_ golden: Golden, _ dtype: DType) throws -> [Tensor] {
    try ["w", "b"].map { name in
      let parameter = try golden["start/\(name)"].to(dtype).clone()
      parameter.requiresGradient = true
      return parameter
    }
  }

  /// Leaves the golden gradients of a step on the parameters.
  private func giveGradients(_ parameters: [Tensor], _ golden: Golden, step: Int) throws {
    for (name, parameter) in zip(["w", "b"], parameters) {
      (parameter * (try golden["gradients/\(name)"][step].to(parameter.dtype))).sum().backward()
    }
  }

  @Test(arguments: OptimizerCase.all, [(DType.float32, "f32", 1e-6), (.float64, "f64", 1e-13)])
  func trajectory(_ optimizerCase: OptimizerCase, _ precision: (DType, String, Double)) throws {
    let (dtype, suffix, tolerance) = precision
    let golden = try Golden("optimisers")
    let parameters = try start(golden, dtype)
    let optimizer = optimizerCase.make(parameters)
    for step in 0..<5 {
      if let rates = optimizerCase.rates { optimizer.learningRate = rates[step] }
      try giveGradients(parameters, golden, step: step)
      optimizer.step()
      for (name, parameter) in zip(["w", "b"], parameters) {
        let expected = try golden["\(optimizerCase.name).\(suffix)/\(name)"][step]
        #expect(relativeError(parameter, expected) < tolerance, "\(name) after step \(step + 1)")
        #expect(parameter.gradient == nil, "the step left a gradient")
      }
    }
  }

  /// The rate as a tensor that the step reads: the scheduled ones and the one that it begins with.
  @Test(arguments: ["sgd-nesterov-rates", "sgd", "adamw-tuned", "sgd-groups"])
  func aCapturableStepReadsItsRate(name: String) throws {
    let golden = try Golden("optimisers")
    let parameters = try start(golden, .float32)
    let optimizer: any Optimizer =
      switch name {
      case "adamw-tuned":
        AdamW(
          parameters, learningRate: 0.01, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1, isCapturable: true)
      case "sgd": SGD(parameters, learningRate: 0.1, isCapturable: true)
      case "sgd-groups":
        SGD(
          [.init([parameters[0]], rateFactor: 0.1, weightDecay: 5e-4), .init([parameters[1]])], learningRate: 5,
          momentum: 0.9, nesterov: true, isCapturable: true)
      default:
        SGD(
          parameters, learningRate: 5, momentum: 0.9, weightDecay: 5e-4, nesterov: true, isCapturable: true)
      }
    for step in 0..<5 {
      if ["sgd-nesterov-rates", "sgd-groups"].contains(name) {
        optimizer.learningRate = OptimizerCase.scheduledRates[step]
      }
      try giveGradients(parameters, golden, step: step)
      optimizer.step()
      for (entry, parameter) in zip(["w", "b"], parameters) {
        let expected = try golden["\(name).f32/\(entry)"][step]
        #expect(relativeError(parameter, expected) < 1e-6, "\(entry) after step \(step + 1)")
      }
    }
  }

  /// The state is all that the next steps depend on.
  @Test(
    arguments: OptimizerCase.all.filter {
      ["sgd-nesterov-decay", "adamw", "sgd-groups", "adamw-groups"].contains($0.name)
    })
  func stateGoesOn(_ optimizerCase: OptimizerCase) throws {
    let golden = try Golden("optimisers")
    let (whole, first) = (try start(golden, .float32), try start(golden, .float32))
    let (wholeOptimizer, firstOptimizer) = (optimizerCase.make(whole), optimizerCase.make(first))
    for step in 0..<5 {
      try giveGradients(whole, golden, step: step)
      wholeOptimizer.step()
    }
    for step in 0..<2 {
      try giveGradients(first, golden, step: step)
      firstOptimizer.step()
    }
    let second = try start(golden, .float32)
    withoutGradients { for (to, from) in zip(second, first) { to.copyInPlace(from) } }
    let secondOptimizer = optimizerCase.make(second)
    try secondOptimizer.load(firstOptimizer.state.mapValues { $0.clone() })
    for step in 2..<5 {
      try giveGradients(second, golden, step: step)
      secondOptimizer.step()
    }
    for (resumed, expected) in zip(second, whole) { #expect(resumed.bytes() == expected.bytes()) }
  }

  @Test(arguments: [(DType.float32, "f32", 1e-6), (.float64, "f64", 1e-13)])
  func clippedGradients(dtype: DType, suffix: String, tolerance: Double) throws {
    let golden = try Golden("optimisers")
    let parameters = try start(golden, dtype)
    #expect(clipGradients(of: parameters, toNorm: 4) == nil, "no gradients yet")
    let optimizer = SGD(parameters, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4, nesterov: true)
    for step in 0..<5 {
      try giveGradients(parameters, golden, step: step)
      let norm = try #require(clipGradients(of: parameters, toNorm: 4))
      #expect(relativeError(norm, try golden["sgd-clipped.\(suffix)/norms"][step]) < tolerance)
      optimizer.step()
      for (name, parameter) in zip(["w", "b"], parameters) {
        let expected = try golden["sgd-clipped.\(suffix)/\(name)"][step]
        #expect(relativeError(parameter, expected) < tolerance, "\(name) after step \(step + 1)")
      }
    }
  }

  /// Over the weights that the golden file has after each step of SGD.
  @Test(arguments: [(DType.float32, "f32", 1e-6), (.float64, "f64", 1e-13)])
  func movingAverage(dtype: DType, suffix: String, tolerance: Double) throws {
    final class Pair: Module {
      let w: Tensor
      let b: Tensor
      let count = Tensor(0, dtype: .int64)
      init(_ pair: [Tensor]) { (w, b) = (pair[0], pair[1]) }
    }
    let golden = try Golden("optimisers")
    let pair = Pair(try start(golden, dtype))
    let average = ExponentialMovingAverage(of: pair, decay: 0.3)
    for step in 0..<5 {
      let weights = try ["w", "b"].map { try golden["sgd-nesterov-decay.\(suffix)/\($0)"][step] }
      withoutGradients { for (own, value) in zip([pair.w, pair.b], weights) { own.copyInPlace(value) } }
      pair.count.addInPlace(1)
      average.update(step: step + 1)
      try average.standingIn {
        for (name, tensor) in zip(["w", "b"], [pair.w, pair.b]) {
          let expected = try golden["average.\(suffix)/\(name)"][step]
          #expect(relativeError(tensor, expected) < tolerance, "\(name) after step \(step + 1)")
        }
        #expect(pair.count.item == Double(step + 1))
      }
      #expect(zip([pair.w, pair.b], weights).allSatisfy { $0.bytes() == $1.bytes() })
    }
  }

  @Test func biasesAndVectorsAreNoWeights() {
    let (matrix, vector) = (Tensor.zeros([2, 2]), Tensor.zeros([2]))
    let names = [
      ("conv.weight", matrix), ("bn.weight", vector), ("fc.bias", vector), ("bias", matrix), ("a.bias", matrix),
    ]
    #expect(names.map { WeightDecayScope.weights.includes($0, $1) } == [true, false, false, false, false])
    #expect(names.allSatisfy { WeightDecayScope.all.includes($0, $1) })
  }

  @Test func foreignStateIsRefused() throws {
    let parameter = Tensor.ones([3])
    parameter.requiresGradient = true
    let optimizer = SGD([parameter], learningRate: 0.1, momentum: 0.9)
    #expect(throws: StateError.self) { try optimizer.load([:]) }
    let error = #expect(throws: StateError.self) { try optimizer.load(["momentum.0": .zeros([4])]) }
    #expect(error?.entry == "momentum.0")
    #expect(optimizer.state["momentum.0"]?.elements() == [0, 0, 0] as [Float])
  }
}

@Suite struct LearningRateScheduleTests {
  @Test(arguments: [
    ("rates/steps", LearningRateSchedule(.step(milestones: [3, 6], factor: 0.2))),
    ("rates/cosine", LearningRateSchedule(.cosine(minimum: 0))),
  ])
  func agreesWithPyTorch(name: String, schedule: LearningRateSchedule) throws {
    let rates = try Golden("optimisers")[name].elements(as: Double.self)
    for (epoch, rate) in rates.enumerated() {
      #expect(abs(schedule.learningRate(0.1, epoch: epoch, of: 10) - rate) < 1e-15, "epoch \(epoch)")
    }
  }

  @Test func warmUpClimbsToTheShape() {
    let schedule = LearningRateSchedule(.step(milestones: [2, 5], factor: 0.5), warmUpEpochs: 3)
    let factors = (0..<7).map { schedule.learningRate(1, epoch: $0, of: 7) }
    #expect(factors == [0.25, 0.5, 0.375, 0.5, 0.5, 0.25, 0.25])
  }

  @Test func cosineEndsAtItsMinimum() {
    let schedule = LearningRateSchedule(.cosine(minimum: 0.2))
    #expect(schedule.learningRate(2, epoch: 0, of: 8) == 2)
    #expect(abs(schedule.learningRate(2, epoch: 4, of: 8) - 1.1) < 1e-15)
    #expect(abs(schedule.learningRate(2, epoch: 8, of: 8) - 0.2) < 1e-15)
    #expect(LearningRateSchedule(.constant).learningRate(2, epoch: 5, of: 8) == 2)
  }
}
