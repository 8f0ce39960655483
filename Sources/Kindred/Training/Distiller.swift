// The loop: batches in, a trained student out.

import Torch

/// Trains a student, with a teacher's signal or without one.
///
/// A run is a function of its networks' initial weights, its batches and its settings: stopped anywhere and resumed from
/// its checkpoint, it goes through the same states bit for bit. Prints nothing; tells by events.
public final class Distiller {
  /// How long and how fast.
  public struct Settings: Sendable {
    public var epochs: Int
    public var learningRate: Double
    public var schedule: LearningRateSchedule
    /// Every how many epochs the student is evaluated; always after the last.
    public var evaluationInterval: Int
    /// The student's, in training. It is evaluated in float32.
    public var precision: Precision

    public init(
      epochs: Int, learningRate: Double, schedule: LearningRateSchedule, evaluationInterval: Int = 1,
      precision: Precision = .float32
    ) {
      self.epochs = epochs
      self.learningRate = learningRate
      self.schedule = schedule
      self.evaluationInterval = evaluationInterval
      self.precision = precision
    }
  }

  /// How a call of `run` ended.
  public enum Outcome: Sendable { case finished, stopped }

  public let student: Network
  public let objective: Objective
  public internal(set) var progress = TrainingProgress()
  let optimizer: any Optimizer
  private let teacher: (any TeacherSignal)?
  private let settings: Settings
  private let work: (any WorkCapture)?
  private lazy var device = student.parameters.first?.device ?? .cpu
  /// The figures of the epoch under way.
  private lazy var metrics = StepMetrics(objective, device: device)
  private var unreached = UnreachedParameters()
  /// The step that is captured for batches of one size.
  private var captured: CapturedStep?

  /// The optimiser is over the parameters of the student and of the objective's adapters, see
  /// `parameters(student:objective:)`.
  ///
  /// `work` captures the whole step and replays it, see `CUDAGraph`; nil carries out every step as it is. The optimiser must
  /// be one that can be captured then. A teacher that cannot be is asked before each replay.
  public init(
    student: Network, teacher: (any TeacherSignal)? = nil, objective: Objective, optimizer: any Optimizer,
    settings: Settings, work: (any WorkCapture)? = nil
  ) {
    self.student = student
    self.teacher = teacher
    self.objective = objective
    self.optimizer = optimizer
    self.settings = settings
    self.work = work
  }

  /// The parameters that a run with this student and objective trains, in the optimiser's order.
  public static func parameters(student: Network, objective: Objective) -> [Tensor] {
    student.parameters + objective.adapters.flatMap(\.module.parameters)
  }

  /// Goes on from `progress` to the end, or until `shouldStop`, which is asked after every step.
  ///
  /// What the steps come to is read when an epoch ends, when the run stops, and when `onEvent` asks for a step's loss;
  /// between these nothing waits for a CUDA device.
  /// - Throws: `BrokenTeacher` and `UnweightedTerm` before anything is trained; `NonFiniteLoss`; `StepNotCaptured`; whatever
  ///   the teacher's signal or `onEvent` throws.
  public func run(
    on source: any BatchSource, evaluate: (Network) -> Evaluation, shouldStop: () -> Bool,
    onEvent: (TrainingEvent) throws -> Void
  ) throws -> Outcome {
    guard let work else {
      return try go(on: source, evaluate: evaluate, shouldStop: shouldStop, onEvent: onEvent)
    }
    return try work.inOrder { try go(on: source, evaluate: evaluate, shouldStop: shouldStop, onEvent: onEvent) }
  }

  /// Puts a run's progress back.
  func resume(from progress: TrainingProgress) {
    self.progress = progress
    metrics.start(from: progress)
  }

  private func go(
    on source: any BatchSource, evaluate: (Network) -> Evaluation, shouldStop: () -> Bool,
    onEvent: (TrainingEvent) throws -> Void
  ) throws -> Outcome {
    try objective.requireWeights()
    try checkTeacher(on: source, onEvent)
    student.train()
    for (_, adapter) in objective.adapters { adapter.train() }
    metrics.start(from: progress)
    let step = stepper(batchSize: source.batchSize)
    var batches = source.batches(from: progress.position)
    while progress.position.epoch < settings.epochs {
      optimizer.learningRate = learningRate
      while progress.position.batch < source.batchesPerEpoch {
        guard let batch = batches.next() else { return try stopped() }
        try timed { try step(inputs(batch)) }
        if let warning = unreached.take() { try onEvent(.warning(warning)) }
        progress.images += batch.labels.count
        progress.position.batch += 1
        try onEvent(.step(stepReport(batch, of: source.batchesPerEpoch)))
        if shouldStop() { return try stopped() }
      }
      try readMetrics()
      let report = finishEpoch(evaluate)
      metrics.start(from: progress)
      try onEvent(.epoch(report))
    }
    return .finished
  }

  private func checkTeacher(on source: any BatchSource, _ onEvent: (TrainingEvent) throws -> Void) throws {
    var batches = source.batches(from: BatchPosition())
    guard let teacher, let first = batches.next() else { return }
    for oddity in try teacher.check(on: first) { try onEvent(.warning("the teacher: \(oddity)")) }
  }

  /// Brings the figures of `progress` up to its position.
  /// - Throws: `NonFiniteLoss`; the figures stay as they were then.
  func readMetrics() throws {
    let reading = timed { metrics.read() }
    try check(reading)
    progress.sums = reading.sums
    progress.correct = reading.correct
  }

  /// - Parameter signal: what the teacher said of the step, where it is at hand: it may be to blame.
  private func check(_ reading: StepMetrics.Reading, _ signal: TeacherOutput? = nil) throws {
    guard let (step, term, value) = reading.bad else { return }
    try signal?.requireFinite()
    throw NonFiniteLoss(
      position: BatchPosition(epoch: progress.position.epoch, batch: step), term: term, value: value)
  }

  private func stopped() throws -> Outcome {
    try readMetrics()
    return .stopped
  }

  private var learningRate: Double {
    settings.learningRate * settings.schedule.factor(epoch: progress.position.epoch, of: settings.epochs)
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

  /// A batch and what the teacher says of it, unless it says it within the step.
  private func inputs(_ batch: Batch) throws -> StepInputs {
    guard let teacher, !teacher.isCapturable else { return StepInputs(batch: batch, signal: nil) }
    return StepInputs(batch: batch, signal: try teacher.output(for: batch))
  }

  /// One step of the optimiser.
  private func step(_ inputs: StepInputs) throws {
    let batch = inputs.batch
    let signal = try inputs.signal ?? teacher?.output(for: batch) ?? TeacherOutput()
    let activations = student.activations(of: batch.images, objective.studentRequest, in: settings.precision)
    let value = objective(activations, signal, labels: batch.labels)
    metrics.add(value, logits: activations.requiredLogits(), labels: batch.labels)
    // Reading costs nothing where the device is the CPU, so that a bad step need not be taken.
    if device == .cpu, work == nil { try check(metrics.read(), signal) }
    value.total.backward()
    unreached.look(for: student)
    optimizer.step()
  }

  private func stepReport(_ batch: Batch, of batchesPerEpoch: Int) -> StepReport {
    StepReport(
      position: batch.position, batchesPerEpoch: batchesPerEpoch, epochs: settings.epochs,
      imagesPerSecond: Double(progress.images) / max(progress.seconds, 1e-9),
      readLoss: { [self] in try readLoss() })
  }

  private func readLoss() throws -> Double {
    let reading = timed { metrics.read() }
    try check(reading)
    return reading.loss
  }

  private func finishEpoch(_ evaluate: (Network) -> Evaluation) -> EpochReport {
    let epoch = progress.position.epoch + 1
    let isDue = epoch % settings.evaluationInterval == 0 || epoch == settings.epochs
    let evaluation = isDue ? evaluate(student) : nil
    let images = Double(max(progress.images, 1))
    let report = EpochReport(
      epoch: epoch, learningRate: learningRate, terms: progress.sums.mapValues { $0 / images },
      trainingAccuracy: Double(progress.correct) / images,
      imagesPerSecond: images / max(progress.seconds, 1e-9), accuracy: evaluation?.accuracy,
      top5Accuracy: evaluation?.top5Accuracy, evaluationLoss: evaluation?.loss)
    progress.startNextEpoch()
    return report
  }
}
