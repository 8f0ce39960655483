// What a run works with, made from its configuration: networks, losses and images.

import Kindred
import KindredVision
import Torch

/// What a run works with: networks, losses and images.
final class RunWork {
  let batches: ImageBatches
  let evaluationImages: EvaluationImages
  /// What the teacher is called, where there is one.
  let teacherName: String?
  /// What int8 costs, for a teacher that works in it.
  var quantizationCost: QuantizationCost? { (teacher as? LiveTeacher)?.quantizationCost }
  private let student: Network
  private var objective: Objective
  private let teacher: (any TeacherSignal)?
  private let settings: Configuration

  init(
    _ settings: Configuration, teacher: TeacherSource?, training: ImageSet, evaluation: ImageSet,
    onCost: (QuantizationCost) throws -> Void
  ) throws {
    self.settings = settings
    let device = settings.device
    let generator = Generator(seed: settings.training.seed)
    student = settings.student.network.network(
      classes: settings.data.set.classCount, inputChannels: training.channels, generator: generator)
    if let weights = settings.student.weights { try load(weights, into: student) }
    objective = settings.objective(teacher: teacher?.description, generator)
    student.move(to: device)
    for (_, adapter) in objective.adapters { adapter.move(to: device) }
    let needs = objective.teacherNeeds
    teacherName = teacher?.description.name
    self.teacher = try teacher.map {
      try $0.signal(needs: needs, settings, training: training, evaluation: evaluation, onCost: onCost)
    }
    batches = settings.batches(of: training, epochs: settings.training.epochs)
    evaluationImages = EvaluationImages(evaluation, device: device)
  }

  /// Finds the weights that the configuration leaves to calibration, on the run's first batches.
  func calibrate() throws -> [(method: String, weight: Double, fraction: Double)] {
    guard let teacher else { return [] }
    return try settings.losses.uncalibrated.map { method, calibration in
      guard let index = objective.terms.firstIndex(where: { $0.loss.name == method }) else {
        preconditionFailure("\(method) is not in the objective")
      }
      let source = batches.batches(from: BatchPosition())
      let first = sequence(state: source) { $0.next() }.prefix(min(calibration.batches, batches.batchesPerEpoch))
      let precision = settings.training.precision
      let weight = try WeightCalibration(fraction: calibration.fraction, precision: precision).weight(
        of: objective.terms[index].loss, student: student, teacher: teacher, batches: Array(first))
      objective.terms[index].weight = weight
      return (method, weight, calibration.fraction)
    }
  }

  /// - Throws: `TorchError` where the device gives no stream.
  func distiller(_ settings: Configuration) throws -> Distiller {
    let training = settings.training
    let parameters = Distiller.parameters(student: student, objective: objective)
    return Distiller(
      student: student, teacher: teacher, objective: objective, optimizer: training.optimizer(over: parameters),
      settings: .init(
        epochs: training.epochs, learningRate: training.baseLearningRate, schedule: training.learningRateSchedule,
        evaluationInterval: training.evaluateEvery, precision: training.precision),
      work: settings.device != .cpu && training.cudaGraph ? try CUDAGraph() : nil)
  }
}
