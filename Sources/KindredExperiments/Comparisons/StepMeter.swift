// How long steps take here, from a few of them on synthetic images.

import Foundation
import Kindred
import KindredVision
import Torch

/// Measures each combination of networks and losses once, as long as there is time; the others are reckoned.
final class StepMeter {
  /// What a combination takes: seconds, or multiply-adds.
  struct Cost {
    /// A step with a live teacher.
    let step: Double
    /// The teacher's share of it.
    let teacher: Double
    let evaluatedImage: Double
  }

  /// All that a step's time depends on.
  private struct Key: Equatable {
    let images: [[Int]]
    let classes: Int
    let student: ConfiguredNetwork
    let teacher: String?
    let losses: [String]
    let batchSize: Int
    let precision: Precision
    let device: DeviceKind

    init(_ settings: Configuration, teacher: NetworkDescription?) {
      var settings = settings
      if let teacher { try? settings.resolveLayers(teacher: teacher) }
      images = [settings.data.inputShape, settings.data.teacherInputShape]
      classes = settings.data.classCount
      (student, self.teacher) = (settings.student.network, teacher?.name)
      losses = settings.losses.terms.map { term in
        "\(term.method.name) \(term.method.layers.map { "\($0.student) \($0.teacher)" })"
      }
      (batchSize, precision) = (settings.training.batchSize, settings.training.precision)
      device = settings.training.device
    }
  }

  private let limit: Duration
  private let runs: URL
  private let start = ContinuousClock.now
  private var costs: [(key: Key, cost: Cost, work: Cost)] = []
  private var unknown: [Key] = []
  /// Why a combination could not be measured: a plan is of use without it.
  private(set) var obstacle: String?

  var measured: Int { costs.count }
  var reckoned: Int { unknown.count }

  /// - Parameter runs: the folder of runs.
  init(limit: Duration, runs: URL) { (self.limit, self.runs) = (limit, runs) }

  /// Measures a combination, unless it is known, time is up, or its teacher is a recording.
  func measure(_ settings: Configuration, teacher: NetworkDescription?) {
    let key = Key(settings, teacher: teacher)
    guard !costs.contains(where: { $0.key == key }), !unknown.contains(key) else { return }
    do {
      let cost = try withTorchErrors {
        .now - start < limit ? try MeasuredSteps(settings, teacher: teacher, runs: runs)?.cost() : nil
      }
      if let cost { costs.append((key, cost, settings.work)) } else { unknown.append(key) }
    } catch {
      unknown.append(key)
      obstacle = obstacle ?? "\(error)"
    }
  }

  /// The measured cost, or one that is reckoned from the others.
  func cost(of settings: Configuration, teacher: NetworkDescription?) -> Cost {
    let key = Key(settings, teacher: teacher)
    if let known = costs.first(where: { $0.key == key }) { return known.cost }
    let work = costs.reduce(0) { $0 + $1.work.step }
    let rate = work > 0 ? costs.reduce(0) { $0 + $1.cost.step } / work : 0
    let own = settings.work
    return Cost(step: rate * own.step, teacher: rate * own.teacher, evaluatedImage: rate * own.evaluatedImage)
  }
}

/// A few steps of a run with fresh networks and drawn images.
private struct MeasuredSteps {
  private let settings: Configuration
  private let distiller: Distiller
  private let teacher: (any TeacherSignal)?
  private let statistics: Set<TeacherStatistic>
  private let images: ImageSet
  private let batches: ImageBatches

  private static let steps = 3
  private static let enough = Duration.seconds(2)

  /// nil for a teacher that is a recording, which knows the run's own images only.
  init?(_ settings: Configuration, teacher description: NetworkDescription?, runs: URL) throws {
    if settings.teacher?.readsRecording == true { return nil }
    var settings = settings
    try settings.checkDevice()
    settings.training.prepareRuntime()
    settings.training.optimizer = settings.training.optimizer.still
    let count = settings.training.batchSize * (1 + MeasuredSteps.steps)
    let images = ImageSet.synthetic(settings.data.imageShape, settings.data, count: count)
    let whole = settings.data.isShared ? images : .synthetic(settings.data.teacherShape, settings.data, count: count)
    let generator = Generator(seed: settings.training.seed)
    let (classes, channels) = (settings.data.classCount, whole.channels)
    let teacher = settings.teacher?.network?.network(
      classes: description?.classes ?? classes, inputChannels: channels, generator: generator)
    let network = try settings.makeStudent(generator)
    var objective = try settings.objective(
      teacher: description,
      samples: .init(
        count: settings.trainingImageCount,
        labels: classes > 0 ? (0..<settings.trainingImageCount).map { $0 % classes } : nil),
      classifier: teacher?.classifier.map { TeacherClassifier($0) },
      normalizations: teacher?.normalizations(of: settings.data.teacherInputShape), generator)
    for (id, _) in settings.losses.uncalibrated { objective.setWeight(1, of: id) }
    let statistics = objective.statistics
    let student = objective.student(network)
    try settings.freezeStages(of: student)
    for module in [student] + objective.modules.map(\.module) + [teacher].compactMap({ $0 }) {
      module.move(to: settings.device)
    }
    if let teacher {
      self.teacher = LiveTeacher(teacher, statistics: statistics, precision: settings.training.precision)
    } else {
      self.teacher = try settings.teacher.map {
        try TeacherSource($0, for: settings, runs: runs)
          .signal(TeacherNeeds(statistics), settings, training: whole, evaluation: whole, onCost: { _ in })
      }
    }
    batches = ImageBatches(
      images, teacher: settings.data.isShared ? nil : whole,
      plan: BatchPlan(
        count: images.count, batchSize: settings.training.batchSize, seed: 0, augmentation: settings.data.augmentation),
      epochs: 1, device: settings.device)
    distiller = Distiller(student: student, teacher: self.teacher, objective: objective, recipe: settings.training)
    (self.settings, self.statistics, self.images) = (settings, statistics, images)
  }

  /// The mean of the steps after the first, which a slow one ends early.
  func cost() throws -> StepMeter.Cost {
    let events = distiller.events(on: batches)
    var (begin, count) = (ContinuousClock.now, -1)
    while count < MeasuredSteps.steps, count < 1 || .now - begin < MeasuredSteps.enough, let event = try events.next() {
      guard case .step(let report) = event else { continue }
      // Waits for the device.
      _ = try report.loss()
      count += 1
      if count == 0 { begin = .now }
    }
    let step = (.now - begin) / .seconds(1) / Double(max(count, 1))
    return .init(step: step, teacher: try teacherSeconds(), evaluatedImage: try evaluationSeconds())
  }

  /// The second time: the first is slower.
  private func teacherSeconds() throws -> Double {
    var source = batches.batches(from: BatchPosition())
    guard let teacher, let statistic = statistics.first, let batch = try source.next() else { return 0 }
    // Reading a row waits for the device.
    func work() throws { _ = try teacher.output(for: batch)[statistic].narrowed(0, 0..<1).elements(as: Float.self) }
    try work()
    let begin = ContinuousClock.now
    try work()
    return (.now - begin) / .seconds(1)
  }

  private func evaluationSeconds() throws -> Double {
    guard settings.data.areMeasured else { return 0 }
    let some = images.first(perSetBalanced: min(64, images.count))
    let begin = ContinuousClock.now
    let batches = EvaluationImages(some, device: settings.device).batches()
    _ = try distiller.student.evaluation(on: batches, classCount: settings.data.classCount)
    return (.now - begin) / .seconds(1) / Double(some.count)
  }
}

extension OptimizerOptions {
  /// Steps that hardly change anything, so that nothing becomes infinite.
  fileprivate var still: OptimizerOptions {
    switch self {
    case .sgd(var options):
      options.learningRate = 1e-9
      return .sgd(options)
    case .adamW(var options):
      options.learningRate = 1e-9
      return .adamW(options)
    }
  }
}

extension Configuration {
  /// The multiply-adds of a whole run.
  var trainingWork: Double {
    let steps = Double(training.epochs * batchesPerEpoch)
    let evaluations = Double((training.epochs + training.evaluateEvery - 1) / training.evaluateEvery)
    return steps * work.step + evaluations * Double(evaluationImageCount) * work.evaluatedImage
  }

  /// The multiply-adds: of the student forward and twice backward, and of the teacher forward.
  fileprivate var work: StepMeter.Cost {
    func count(_ facts: NetworkFacts) -> Double { Double(facts.cost(classes: data.classCount).multiplyAdds) }
    let student = (try? studentFacts).map(count) ?? 0
    let teacher = teacher?.network.map { count($0.facts(image: data.teacherInputShape)) } ?? 0
    let batch = Double(training.batchSize)
    return .init(step: batch * (3 * student + teacher), teacher: batch * teacher, evaluatedImage: student)
  }
}

extension ImageSet {
  /// Images of a set's shape and classes, for what depends on nothing else.
  fileprivate static func synthetic(
    _ shape: (channels: Int, height: Int, width: Int), _ data: Configuration.Images, count: Int
  ) -> ImageSet {
    let (channels, height, width) = shape
    var random = SplitMix64(key: 0)
    let pixels = (0..<count * channels * height * width).map { _ in UInt8.random(in: 0...255, using: &random) }
    return ImageSet(
      name: "synthetic", width: width, height: height, channels: channels,
      classNames: (0..<data.classCount).map { "\($0)" }, pixels: pixels,
      labels: (0..<count).map { data.classCount > 0 ? Int32($0 % data.classCount) : -1 },
      channelMean: [Float](repeating: 0.5, count: channels),
      channelDeviation: [Float](repeating: 0.25, count: channels))
  }
}
