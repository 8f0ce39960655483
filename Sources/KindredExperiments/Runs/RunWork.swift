// What a run works with, made from its configuration: networks, losses and images.

import Kindred
import KindredVision
import Torch

/// The images of a run.
struct RunImages {
  let training: ImageSet
  /// Those to measure accuracy on; nil where no image has a class.
  let evaluation: ImageSet?
  /// The training images as the teacher sees them; nil for as the student does.
  let teacherTraining: ImageSet?
  private let data: Configuration.Images
  private let library: ImageLibrary

  /// - Throws: `DataError`.
  init(_ data: Configuration.Images, _ library: ImageLibrary) throws {
    (training, evaluation) = (try library.training(data), try data.areMeasured ? library.evaluation(data) : nil)
    teacherTraining = data.isShared ? nil : try library.teacherTraining(data)
    (self.data, self.library) = (data, library)
  }

  /// Those to measure on as the teacher sees them, which are training images where there are no others.
  /// - Throws: `DataError`.
  func teacherEvaluation() throws -> ImageSet {
    guard let evaluation else { return teacherTraining ?? training }
    return data.isShared ? evaluation : try library.teacherEvaluation(data)
  }

  /// What they are.
  var content: Configuration.Content {
    let seen = [training.fingerprint] + [teacherTraining?.fingerprint].compactMap(\.self)
    let both = seen.count == 1 ? seen[0] : Digest.sha256.hex(of: Array(seen.joined().utf8))
    var content: Configuration.Content = [.images: both]
    content[.evaluationImages] = evaluation?.fingerprint
    return content
  }
}

/// What a run works with: networks, losses and images.
final class RunWork {
  let batches: ImageBatches
  /// nil where nothing is measured.
  let evaluationImages: EvaluationImages?
  /// How many images are trained on.
  let trainingImages: Int
  /// What the teacher is called, where there is one.
  let teacherName: String?
  /// What int8 costs, for a teacher that works in it.
  var quantizationCost: QuantizationCost? { (teacher as? LiveTeacher)?.quantizationCost }
  /// What the student costs after training.
  let cost: NetworkCost
  private let student: Network
  private var objective: Objective
  private let teacher: (any TeacherSignal)?
  private let settings: Configuration
  private let group: ProcessGroup
  /// Settings that do nothing, and what was done to files so that they fit, a line each.
  private(set) var remarks: [String]

  /// - Throws: as loading its files does; `BrokenTeacher`; whatever `onCost` throws.
  init(
    _ settings: Configuration, teacher: TeacherSource?, images: RunImages, group: ProcessGroup,
    onCost: (QuantizationCost) throws -> Void
  ) throws {
    (self.settings, self.group) = (settings, group)
    remarks = try settings.warnings + (settings.data.own?.remarks() ?? [])
    let (training, evaluation) = (images.training, images.evaluation)
    let seen = images.teacherTraining
    trainingImages = training.count
    let device = settings.device
    let generator = Generator(seed: settings.training.seed)
    let network = try settings.makeStudent(generator)
    remarks += try settings.student.network.remarks(image: settings.data.inputShape)
    if let weights = try settings.student.weights.map({ try WeightsFile($0.url) }) {
      try weights.load(into: network, freshClassifier: settings.student.classifier == .fresh)
      remarks += [weights.remark].compactMap(\.self)
    }
    objective = try settings.objective(
      teacher: teacher?.description,
      samples: LossSetup.Samples(
        count: training.count, labels: training.isLabelled ? training.labels.map(Int.init) : nil),
      classifier: try settings.losses.needClassifier ? teacher?.classifier() : nil,
      normalizations: try settings.losses.needNormalizations
        ? teacher?.normalizations(of: settings.data.teacherInputShape) : nil, generator)
    student = objective.student(network)
    try settings.freezeStages(of: student)
    student.move(to: device)
    for (_, module) in objective.modules { module.move(to: device) }
    teacherName = teacher?.description.name
    cost = try settings.studentCost(teacher: teacher?.description)
    let needs = objective.needs(in: group)
    self.teacher = try teacher.map {
      try $0.signal(
        needs, settings, training: seen ?? training, evaluation: images.teacherEvaluation(), onCost: onCost)
    }
    batches = settings.batches(of: training, teacher: seen, epochs: settings.training.epochs, rank: group.rank)
    evaluationImages = evaluation.map { EvaluationImages($0, device: device, rank: group.rank) }
    remarks += [teacher?.remark].compactMap(\.self)
    remarks += objective.terms.filter { $0.scope == .local && $0.loss.reduction != .relations }.map {
      "losses.\($0.id).scope: does nothing: no input is compared with others"
    }
    remarks += localRelations.map {
      "losses.\($0).scope: local: each of \(group.rank.count) processes relates its own images alone, which is another "
        + "loss than that of the whole batch"
    }
    // Before weights are calibrated by what it says, and anything is written. What is odd, the run says itself.
    var first = batches.batches(from: BatchPosition())
    if let teacher = self.teacher, let batch = try first.next() { _ = try teacher.check(on: batch) }
  }

  /// The terms that relate the images of each of several processes alone.
  var localRelations: [String] {
    guard group.isShared else { return [] }
    return objective.terms.filter { $0.loss.reduction == .relations && $0.scope == .local }.map(\.id)
  }

  /// In how many processes it is done.
  var processes: Int { group.rank.count }

  /// Finds the weights that the configuration leaves to calibration, on the run's first batches.
  func calibrate() throws -> [FoundWeight] {
    guard let teacher else { return [] }
    let given = objective
    return try settings.losses.uncalibrated.map { id, calibration in
      guard let term = objective.terms.first(where: { $0.id == id }) else {
        preconditionFailure("\(id) is not in the objective")
      }
      var source = batches.batches(from: BatchPosition())
      let first = try source.prefix(min(calibration.batches, batches.batchesPerEpoch))
      let reference = given.lossesOfLogits(without: id)
      let weight = try WeightCalibration(
        fraction: calibration.fraction, precision: settings.training.precision, against: reference, group: group
      ).weight(
        of: term, student: student, teacher: teacher,
        batches: first.map { objective.prepare($0, seed: settings.training.seed) })
      objective.setWeight(weight, of: id)
      return FoundWeight(term: id, weight: weight, fraction: calibration.fraction, reference: reference.names)
    }
  }

  /// - Throws: `TorchError` where the device gives no stream.
  func distiller(_ settings: Configuration) throws -> Distiller {
    Distiller(
      student: student, teacher: teacher, objective: objective, recipe: settings.training,
      work: settings.device != .cpu && settings.training.cudaGraph ? try CUDAGraph() : nil, group: group)
  }
}
