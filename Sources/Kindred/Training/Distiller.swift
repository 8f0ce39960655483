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

    public init(epochs: Int, learningRate: Double, schedule: LearningRateSchedule, evaluationInterval: Int = 1) {
      self.epochs = epochs
      self.learningRate = learningRate
      self.schedule = schedule
      self.evaluationInterval = evaluationInterval
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

  /// The optimiser is over the parameters of the student and of the objective's adapters, see
  /// `parameters(student:objective:)`.
  public init(
    student: Network, teacher: (any TeacherSignal)? = nil, objective: Objective, optimizer: any Optimizer,
    settings: Settings
  ) {
    self.student = student
    self.teacher = teacher
    self.objective = objective
    self.optimizer = optimizer
    self.settings = settings
  }

  /// The parameters that a run with this student and objective trains, in the optimiser's order.
  public static func parameters(student: Network, objective: Objective) -> [Tensor] {
    student.parameters + objective.adapters.flatMap(\.module.parameters)
  }

  /// Goes on from `progress` to the end, or until `shouldStop`, which is asked after every step.
  /// - Throws: `NonFiniteLoss`; whatever the teacher's signal or `onEvent` throws.
  public func run(
    on source: any BatchSource, evaluate: (Network) -> Evaluation, shouldStop: () -> Bool,
    onEvent: (TrainingEvent) throws -> Void
  ) throws -> Outcome {
    student.train()
    for (_, adapter) in objective.adapters { adapter.train() }
    var batches = source.batches(from: progress.position)
    while progress.position.epoch < settings.epochs {
      optimizer.learningRate = learningRate
      while progress.position.batch < source.batchesPerEpoch {
        guard let batch = batches.next() else { return .stopped }
        let loss = try timedStep(batch)
        try onEvent(.step(stepReport(batch, loss: loss, of: source.batchesPerEpoch)))
        if shouldStop() { return .stopped }
      }
      try onEvent(.epoch(finishEpoch(evaluate)))
    }
    return .finished
  }

  private var learningRate: Double {
    settings.learningRate * settings.schedule.factor(epoch: progress.position.epoch, of: settings.epochs)
  }

  private func timedStep(_ batch: Batch) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let loss = try step(batch)
    progress.seconds += (clock.now - start) / .seconds(1)
    progress.position.batch += 1
    return loss
  }

  /// One step of the optimiser. Returns the weighted total.
  private func step(_ batch: Batch) throws -> Double {
    let signal = try teacher?.output(for: batch) ?? TeacherOutput()
    let activations = student.activations(of: batch.images, objective.studentRequest)
    let value = objective(activations, signal, labels: batch.labels)
    let terms = value.terms.map { ($0.name, $0.value.item) }
    let total = value.total.item
    if let (name, bad) = (terms + [("loss", total)]).first(where: { !$0.1.isFinite }) {
      throw NonFiniteLoss(position: batch.position, term: name, value: bad)
    }
    value.total.backward()
    optimizer.step()
    record(terms + [("loss", total)], activations, batch)
    return total
  }

  private func record(_ terms: [(String, Double)], _ activations: Activations, _ batch: Batch) {
    let count = batch.labels.count
    for (name, value) in terms { progress.sums[name, default: 0] += value * Double(count) }
    let answers = activations.requiredLogits().detached().argmax(1)
    progress.correct += Int(answers.equal(to: batch.labels).sum().item)
    progress.images += count
  }

  private func stepReport(_ batch: Batch, loss: Double, of batchesPerEpoch: Int) -> StepReport {
    StepReport(
      position: batch.position, batchesPerEpoch: batchesPerEpoch, epochs: settings.epochs, loss: loss,
      imagesPerSecond: Double(progress.images) / max(progress.seconds, 1e-9))
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
