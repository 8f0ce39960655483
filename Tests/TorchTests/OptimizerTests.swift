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
    .init(name: "sgd-nesterov-rates", rates: [0.1, 0.1, 0.02, 0.02, 0.004]) {
      SGD($0, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4, nesterov: true)
    },
    .init(name: "adamw") { AdamW($0, learningRate: 0.01) },
    .init(name: "adamw-tuned") {
      AdamW($0, learningRate: 0.01, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1)
    },
  ]
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
  @Test(arguments: ["sgd-nesterov-rates", "sgd", "adamw-tuned"])
  func aCapturableStepReadsItsRate(name: String) throws {
    let golden = try Golden("optimisers")
    let parameters = try start(golden, .float32)
    let optimizer: any Optimizer =
      switch name {
      case "adamw-tuned":
        AdamW(
          parameters, learningRate: 0.01, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1, isCapturable: true)
      case "sgd": SGD(parameters, learningRate: 0.1, isCapturable: true)
      default:
        SGD(
          parameters, learningRate: 5, momentum: 0.9, weightDecay: 5e-4, nesterov: true, isCapturable: true)
      }
    for step in 0..<5 {
      if name == "sgd-nesterov-rates" { optimizer.learningRate = [0.1, 0.1, 0.02, 0.02, 0.004][step] }
      try giveGradients(parameters, golden, step: step)
      optimizer.step()
      for (entry, parameter) in zip(["w", "b"], parameters) {
        let expected = try golden["\(name).f32/\(entry)"][step]
        #expect(relativeError(parameter, expected) < 1e-6, "\(entry) after step \(step + 1)")
      }
    }
  }

  /// The state is all that the next steps depend on.
  @Test(arguments: OptimizerCase.all.filter { ["sgd-nesterov-decay", "adamw"].contains($0.name) })
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
