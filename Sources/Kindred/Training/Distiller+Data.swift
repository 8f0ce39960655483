// The short way to a distiller: networks, losses, a recipe and data, each given once.

import Torch

/// A loss and its weight, for a distiller that makes the rest itself.
public struct WeightedLoss: Sendable {
  /// The method; nil for cross-entropy.
  let method: (any Method)?
  /// nil for a weight that calibration finds.
  let weight: Double?
  /// nil for the method's usual ones.
  let warmUpEpochs: Int?
  /// Of cross-entropy.
  var labelSmoothing = 0.0

  /// Cross-entropy with the labels, as they are unless a smoothing from 0 to 1 is given.
  public static func crossEntropy(weight: Double = 1, labelSmoothing: Double = 0) -> WeightedLoss {
    WeightedLoss(method: nil, weight: weight, warmUpEpochs: nil, labelSmoothing: labelSmoothing)
  }

  /// Similarity-preserving distillation of the last stage, or of given layers; its weight is calibrated unless given.
  public static func similarity(_ layers: [LayerPair]? = nil, weight: Double? = nil) -> WeightedLoss {
    .method(layers.map { SimilarityPreserving($0) } ?? SimilarityPreserving(), weight: weight)
  }

  /// Any method; without a weight its usual one, or a calibrated one where it has none.
  ///
  /// Cross-entropy's weight is multiplied by what the method makes of it, such as 1 - alpha beside KD with its alpha; KD with
  /// a weight leaves it whole.
  /// - Parameters:
  ///   - method: with its settings.
  ///   - weight: what the loss is multiplied by.
  ///   - warmUpEpochs: the epochs over which the weight rises; nil for the method's usual ones.
  public static func method(_ method: any Method, weight: Double? = nil, warmUpEpochs: Int? = nil) -> WeightedLoss {
    var method = method
    if weight != nil { method.giveUpOwnWeight() }
    return WeightedLoss(
      method: method, weight: weight ?? method.ownWeight ?? type(of: method).card.weight,
      warmUpEpochs: warmUpEpochs)
  }
}

/// Where a distiller's teacher comes from.
public enum TeacherChoice {
  /// A network that is run on every batch; frozen and folded, it belongs to the distiller from then on.
  case live(Network)
  /// A signal from elsewhere, such as a recording, and what is known of its network.
  case signal(any TeacherSignal, NetworkDescription)
}

extension Distiller {
  /// A distiller over data: it makes the losses for both networks, finds the weights that are not given, and is pulled by
  /// `next()`.
  /// - Throws: `SettingError` for settings of the recipe or a method that cannot be; `MethodError` for networks that a method
  ///   cannot compare; `BrokenTeacher`; `CalibrationError`; `TorchError` where the recipe's device cannot capture a step.
  public convenience init(
    _ student: Network, teacher: TeacherChoice? = nil, losses: [WeightedLoss] = [.crossEntropy()], recipe: Recipe,
    data: any TrainingData
  ) throws {
    try recipe.check()
    for loss in losses { try loss.method?.checkSettings() }
    guard recipe.backboneRateFactor == 1 || !student.headModules.isEmpty else {
      throw SettingError(
        "backbone_rate_factor",
        "\(type(of: student)) does not tell its classifier, so that all of it is backbone; override classifier, or use 1"
      )
    }
    recipe.prepareRuntime()
    let device = recipe.device.device
    student.move(to: device)
    var terms = try Distiller.terms(losses, student, teacher, recipe, data)
    let objective = Objective(terms)
    for (_, module) in objective.modules { module.move(to: device) }
    let trained = objective.student(student)
    let signal = teacher.map { $0.signal(objective.statistics, recipe) }
    let source = data.batches(for: recipe)
    if let signal { try Distiller.calibrate(&terms, trained, signal, source, recipe) }
    self.init(
      student: trained, teacher: signal, objective: Objective(terms), recipe: recipe,
      work: device != .cpu && recipe.cudaGraph ? try CUDAGraph() : nil)
    loop = TrainingLoop(source) { try data.evaluation(of: $0, on: device) }
  }

  /// Trains as far as the next event; nil where the run is finished.
  /// - Throws: as `TrainingEvents.next`.
  public func next() throws -> TrainingEvent? {
    guard let loop else { preconditionFailure("made without data: pull the events of events(on:) instead") }
    return try loop.next(of: self)
  }

  private static func terms(
    _ losses: [WeightedLoss], _ student: Network, _ teacher: TeacherChoice?, _ recipe: Recipe, _ data: any TrainingData
  ) throws -> [Objective.Term] {
    let own = student.description(name: "the student", inputShape: data.inputShape)
    let other = teacher?.description(data, on: recipe.device.device)
    let setup = LossSetup(
      student: own, teacher: other ?? own, samples: data.samples, classifier: teacher?.classifier,
      normalizations: teacher?.normalizations(data.inputShape), generator: Generator(seed: recipe.seed))
    let share = losses.reduce(1) { $0 * ($1.method?.crossEntropyFactor ?? 1) }
    return try losses.enumerated().map { index, loss in
      guard let method = loss.method else {
        return .crossEntropy(weight: (loss.weight ?? 1) * share, labelSmoothing: loss.labelSmoothing)
      }
      guard teacher != nil else { throw MethodError("\(method.name) needs a teacher; give one, or take the loss out") }
      let isFirst = !losses[..<index].contains { $0.method?.name == method.name }
      return Objective.Term(
        isFirst ? method.name : "\(method.name)-\(index)", try method.loss(for: setup), weight: loss.weight,
        warmUpEpochs: loss.warmUpEpochs ?? type(of: method).card.warmUpEpochs)
    }
  }

  /// Finds the weights that nobody gave, on the run's first batches.
  private static func calibrate(
    _ terms: inout [Objective.Term], _ student: Network, _ teacher: any TeacherSignal, _ source: any BatchSource,
    _ recipe: Recipe
  ) throws {
    let objective = Objective(terms)
    for index in terms.indices where terms[index].weight == nil {
      let calibration = WeightCalibration(
        fraction: 0.5, precision: recipe.precision, against: objective.lossesOfLogits(without: terms[index].id))
      var batches = source.batches(from: BatchPosition())
      let first = try batches.prefix(min(8, source.batchesPerEpoch))
      terms[index].weight = try calibration.weight(
        of: terms[index], student: student, teacher: teacher,
        batches: first.map { objective.prepare($0, seed: recipe.seed) })
    }
  }
}

extension TeacherChoice {
  fileprivate var network: Network? {
    guard case .live(let network) = self else { return nil }
    return network
  }

  fileprivate func description(_ data: any TrainingData, on device: Device) -> NetworkDescription {
    switch self {
    case .live(let network):
      network.move(to: device)
      return network.description(name: "the teacher", inputShape: data.inputShape)
    case .signal(_, let description): return description
    }
  }

  fileprivate func signal(_ statistics: Set<TeacherStatistic>, _ recipe: Recipe) -> any TeacherSignal {
    switch self {
    case .live(let network): LiveTeacher(network, statistics: statistics, precision: recipe.precision)
    case .signal(let signal, _): signal
    }
  }

  fileprivate var classifier: TeacherClassifier? {
    network?.classifier.map { TeacherClassifier($0) }
  }

  fileprivate func normalizations(_ inputShape: [Int]) -> [String: TapNormalization]? {
    network?.normalizations(of: inputShape)
  }
}
