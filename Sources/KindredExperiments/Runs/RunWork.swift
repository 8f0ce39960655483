// What a run works with, made from its configuration: networks, losses and images.

import Kindred
import KindredVision
import Torch

/// The images of a run.
struct RunImages {
  let training: ImageSet
  let evaluation: ImageSet

  /// - Throws: `DataError`.
  init(_ data: Configuration.Images, _ library: ImageLibrary) throws {
    (training, evaluation) = (try library.training(data), try library.evaluation(data))
  }

  /// What they are.
  var content: Configuration.Content {
    [.images: training.fingerprint, .evaluationImages: evaluation.fingerprint]
  }
}

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
  /// Settings that do nothing, and what was done to files so that they fit, a line each.
  private(set) var remarks: [String]

  /// - Throws: as loading its files does; `BrokenTeacher`; whatever `onCost` throws.
  init(
    _ settings: Configuration, teacher: TeacherSource?, images: RunImages, onCost: (QuantizationCost) throws -> Void
  ) throws {
    self.settings = settings
    remarks = settings.warnings
    let (training, evaluation) = (images.training, images.evaluation)
    let device = settings.device
    let generator = Generator(seed: settings.training.seed)
    student = settings.student.network.network(
      classes: settings.data.set.classCount, inputChannels: training.channels, generator: generator)
    if let weights = try settings.student.weights.map({ try WeightsFile($0.url) }) {
      try weights.load(into: student, freshClassifier: settings.student.classifier == .fresh)
      remarks += [weights.remark].compactMap(\.self)
    }
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
    remarks += [teacher?.remark].compactMap(\.self)
    // Before weights are calibrated by what it says, and anything is written. What is odd, the run says itself.
    var first = batches.batches(from: BatchPosition())
    if let teacher = self.teacher, let batch = first.next() { _ = try teacher.check(on: batch) }
  }

  /// Finds the weights that the configuration leaves to calibration, on the run's first batches.
  func calibrate() throws -> [(method: String, weight: Double, fraction: Double)] {
    guard let teacher else { return [] }
    return try settings.losses.uncalibrated.map { method, calibration in
      guard let term = objective.terms.first(where: { $0.id == method }) else {
        preconditionFailure("\(method) is not in the objective")
      }
      let source = batches.batches(from: BatchPosition())
      let first = sequence(state: source) { $0.next() }.prefix(min(calibration.batches, batches.batchesPerEpoch))
      let precision = settings.training.precision
      let weight = try WeightCalibration(fraction: calibration.fraction, precision: precision).weight(
        of: term.loss, student: student, teacher: teacher, batches: Array(first))
      objective.setWeight(weight, of: method)
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
