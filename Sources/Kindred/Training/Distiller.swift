// The loop: batches in, a trained student out.

import Graph
import Torch

/// Trains a student, with a teacher's signal or without one.
///
/// A run is a function of its networks' initial weights, its batches and its settings: stopped anywhere and resumed from
/// its checkpoint, it goes through the same states bit for bit. Prints nothing; tells by events.
public final class Distiller {
  /// The network that is trained, with what a loss has made a part of it.
  public let student: Network
  /// What is minimised.
  public let objective: Objective
  /// Where the run stands.
  public internal(set) var progress = TrainingProgress()
  /// What the last evaluation of this process measured; nil before one.
  public private(set) var evaluation: StudentEvaluation?
  let updates: ParameterUpdates
  private let teacher: (any TeacherSignal)?
  /// Of the batches: what a training accuracy is told of.
  private var labelledShare = 1.0
  private let recipe: Recipe
  private let work: (any WorkCapture)?
  /// The processes that share each batch.
  public let group: ProcessGroup
  private lazy var device = student.parameters.first?.device ?? .cpu
  /// The figures of the epoch under way.
  private lazy var metrics = StepMetrics(objective, device: device)
  private var unreached = UnreachedParameters()
  /// Of a distiller that was made with its data.
  var loop: TrainingLoop?
  /// The step that is captured for batches of one size.
  private var captured: CapturedStep?

  /// `optimizer` is one over `parameters(student:objective:)`, nil for the recipe's own.
  ///
  /// `work` captures the whole step and replays it, see `CUDAGraph`; nil carries out every step as it is. The optimiser must
  /// be one that can be captured then. A teacher that cannot be is asked before each replay.
  ///
  /// `group` are the processes that train the same student, each on its rows of every batch (`Batch.part`); the teacher's signal is
  /// made for what the objective needs in it, see `Objective.needs`. Each step is then that of one process with all rows.
  public init(
    student: Network, teacher: (any TeacherSignal)? = nil, objective: Objective, recipe: Recipe,
    optimizer: (any Optimizer)? = nil, work: (any WorkCapture)? = nil, group: ProcessGroup = ProcessGroup()
  ) {
    self.student = student
    self.teacher = teacher
    self.objective = objective
    updates = ParameterUpdates(recipe, student: student, objective: objective, optimizer: optimizer, in: group)
    self.recipe = recipe
    self.group = group
    // A captured step would drop the same elements over and over, and knows nothing of other processes.
    self.work = student.hasDropout || group.isShared ? nil : work
  }

  /// The parameters that a run with this student and objective trains, in the optimiser's order.
  public static func parameters(student: Network, objective: Objective) -> [Tensor] {
    TrainedParameter.all(student: student, objective: objective).map(\.tensor)
  }

  /// The moving average of the student's weights; nil where the recipe wants none.
  public var average: ExponentialMovingAverage? { updates.average }

  /// Goes on from `progress` over batches; the caller pulls the events and stops when it likes.
  ///
  /// What the steps come to is read when an epoch ends, when a checkpoint is saved, and when a step's loss is asked for;
  /// between these nothing waits for a CUDA device.
  /// - Parameters:
  ///   - source: the training batches.
  ///   - evaluate: measures the student in the epochs that the recipe says; nil where nothing is measured.
  public func events(on source: any BatchSource, evaluate: ((Network) throws -> Evaluation)? = nil) -> TrainingEvents {
    TrainingEvents(self, TrainingLoop(source, evaluate))
  }

  /// Puts a run's progress back.
  func resume(from progress: TrainingProgress) {
    self.progress = progress
    metrics.start(from: progress)
  }

  /// Makes ready for steps: everything that can be refused is refused before anything is trained.
  /// - Returns: what may not be meant, a line each.
  func begin(on source: any BatchSource) throws -> [String] {
    try objective.requireWeights()
    labelledShare = source.labelledShare
    var first = source.batches(from: BatchPosition())
    var oddities: [String] = []
    if let teacher, let batch = try first.next() { oddities = try teacher.check(on: batch) }
    student.train()
    for (_, module) in objective.modules { module.train() }
    metrics.start(from: progress)
    return oddities.map { "the teacher: \($0)" }
  }

  /// Whether all epochs are done, or the recipe's patience is lost.
  public var isFinished: Bool { progress.position.epoch >= recipe.epochs || endedEarly }

  /// Whether epochs are left that the run does not need: so many evaluations, one after another, were not better.
  public var endedEarly: Bool {
    guard let patience = recipe.patience, let best = progress.best else { return false }
    return progress.position.epoch < recipe.epochs && best.evaluationsSince >= patience
  }

  /// Whether the next thing is a step, and not an epoch's end.
  func isStepNext(of source: any BatchSource) -> Bool { progress.position.batch < source.batchesPerEpoch }

  /// Trains on a batch.
  /// - Returns: its report, and what was found out by it that may not be meant.
  func step(on batch: Batch, of source: any BatchSource) throws -> (report: StepReport, warning: String?) {
    try inOrder {
      updates.optimizer.learningRate = recipe.learningRate(epoch: progress.position.epoch)
      let step = stepper(batchSize: source.batchSize)
      try timed {
        try step(inputs(batch))
        try updates.finish(progress.position, of: source.batchesPerEpoch, metrics)
      }
      progress.images += batch.wholeCount
      progress.position.batch += 1
      return (stepReport(batch, of: source.batchesPerEpoch), unreached.take())
    }
  }

  func finishEpoch(_ evaluate: ((Network) throws -> Evaluation)?) throws -> EpochReport {
    try inOrder {
      try readMetrics()
      let report = try report(evaluate)
      metrics.start(from: progress)
      return report
    }
  }

  /// On the device's stream, where steps are captured.
  private func inOrder<Result>(_ body: () throws -> Result) throws -> Result {
    guard let work else { return try body() }
    return try work.inOrder(body)
  }

  /// Brings the figures of `progress` up to its position.
  /// - Throws: `NonFiniteLoss`; the figures stay as they were then.
  func readMetrics() throws {
    let reading = timed { metrics.read() }
    try check(reading)
    progress.sums = reading.sums
    progress.correct = reading.correct
    progress.gradientNorms = recipe.clipGradients == nil ? nil : reading.gradientNorms
  }

  /// - Parameter signal: what the teacher said of the step, where it is at hand: it may be to blame.
  private func check(_ reading: StepMetrics.Reading, _ signal: TeacherOutput? = nil) throws {
    guard let (step, term, value) = reading.bad else { return }
    try signal?.requireFinite()
    throw NonFiniteLoss(
      position: BatchPosition(epoch: progress.position.epoch, batch: step), term: term, value: value)
  }

  /// Counts the time that `body` takes as the epoch's.
  private func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    defer { progress.seconds += (clock.now - start) / .seconds(1) }
    return try body()
  }

  /// What carries out a step.
  private func stepper(batchSize: Int) -> (StepInputs) throws -> Void {
    guard let work else { return step }
    let captured = self.captured ?? CapturedStep(work, batchSize: batchSize) { [unowned self] in try step($0) }
    self.captured = captured
    return { try captured($0) }
  }

  /// A batch with what losses prepare for it, and what the teacher gives for it unless it is run within the step.
  private func inputs(_ batch: Batch) throws -> StepInputs {
    let batch = objective.prepare(batch, seed: recipe.seed)
    guard let teacher, !teacher.isCapturable else { return StepInputs(batch: batch, signal: nil) }
    return StepInputs(batch: batch, signal: try teacher.output(for: batch))
  }

  /// What a device may repeat as a whole: forward, backward and, where each batch makes one, the optimiser's step.
  private func step(_ inputs: StepInputs) throws {
    let batch = inputs.batch
    let signal = try inputs.signal ?? teacher?.output(for: batch) ?? TeacherOutput()
    let (value, logits) = try SynchronizedBatchNorm.in(recipe.syncBatchNorm && group.isShared ? group : nil) {
      let activations = StepSeed.$current.withValue(dropoutSeed(batch)) {
        student.activations(of: batch.student, objective.request, in: recipe.precision)
      }
      let step = Step(student: activations, teacher: signal, batch: batch)
      return (try objective(step, in: group), activations.logits)
    }
    let figures = try metrics.begin(value, logits: logits, batch, in: group)
    value.total.backward()
    try metrics.finish(figures, batch)
    // Reading costs nothing where the device is the CPU, so that a bad step need not be taken.
    if device == .cpu, work == nil { try check(metrics.read(), signal) }
    unreached.look(for: student)
    try updates.take(metrics)
  }

  /// Each rank drops other elements.
  private func dropoutSeed(_ batch: Batch) -> UInt64 {
    let (epoch, number) = (UInt64(batch.position.epoch), UInt64(batch.position.batch))
    var random =
      group.rank.isFirst
      ? SplitMix64(key: recipe.seed, epoch, number)
      : SplitMix64(key: recipe.seed, epoch, number, UInt64(group.rank.index))
    return random.next()
  }

  private func stepReport(_ batch: Batch, of batchesPerEpoch: Int) -> StepReport {
    StepReport(
      position: batch.position, batchesPerEpoch: batchesPerEpoch, epochs: recipe.epochs,
      imagesPerSecond: Double(progress.images) / max(progress.seconds, 1e-9),
      readLoss: { [self] in try readLoss() })
  }

  private func readLoss() throws -> Double {
    let reading = timed { metrics.read() }
    try check(reading)
    return reading.loss
  }

  /// Measures the student, and the average of its weights where one is kept.
  /// - Throws: what is wrong with the data that it is measured on.
  public func measured(by evaluate: (Network) throws -> Evaluation) throws -> StudentEvaluation {
    try takeFirstRanksStatistics()
    let student = try evaluate(student)
    let average = try updates.average?.standingIn { try evaluate(self.student) }
    let evaluation = StudentEvaluation(student: student, average: average)
    self.evaluation = evaluation
    return evaluation
  }

  /// Batch norms of each rank have seen other rows; what is measured and kept is the first one's network.
  private func takeFirstRanksStatistics() throws {
    guard group.isShared else { return }
    let statistics = student.state.filter { !$0.tensor.requiresGradient }.map(\.tensor)
    let averages = updates.average.map { average in average.state.keys.sorted().compactMap { average.state[$0] } } ?? []
    for tensor in statistics + averages { try group.broadcast(tensor) }
  }

  private func report(_ evaluate: ((Network) throws -> Evaluation)?) throws -> EpochReport {
    let epoch = progress.position.epoch + 1
    let isDue = epoch % recipe.evaluateEvery == 0 || epoch == recipe.epochs
    let evaluation = isDue ? try evaluate.map { try measured(by: $0) } : nil
    if let evaluation { progress.best = .best(progress.best, evaluation, epoch: epoch) }
    let (student, average) = (evaluation?.student, evaluation?.average)
    let images = Double(max(progress.images, 1))
    let plan = UpdatePlan(batches: recipe.accumulate, batchesPerEpoch: progress.position.batch)
    let report = EpochReport(
      epoch: epoch, learningRate: recipe.learningRate(epoch: epoch - 1), terms: progress.sums.mapValues { $0 / images },
      trainingAccuracy: labelledShare > 0 ? Double(progress.correct) / (images * labelledShare) : nil,
      imagesPerSecond: images / max(progress.seconds, 1e-9), accuracy: student?.accuracy,
      top5Accuracy: student?.top5Accuracy, evaluationLoss: student?.loss, averageAccuracy: average?.accuracy,
      averageTop5Accuracy: average?.top5Accuracy, averageEvaluationLoss: average?.loss,
      gradientNorm: progress.gradientNorms.map { $0 / Double(plan.stepsPerEpoch) })
    progress.startNextEpoch()
    return report
  }
}
