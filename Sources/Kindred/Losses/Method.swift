// A method of distillation as a value: its settings, and the loss that they make for a pair of networks.

import Torch

/// A published method with its settings.
///
/// A method is one file: this value with its settings, the loss, and its statistics of the teacher. A line in
/// `Methods.all` makes it known to configurations, to `kindred loss` and to the documentation.
public protocol Method: Sendable, Equatable {
  /// What lists say of it.
  static var card: MethodCard { get }

  /// Its settings, each once: key, place, range and help. The defaults are those of `init()`.
  static var settings: [Setting<Self>] { get }

  /// The method with its published settings.
  init()

  /// The layers that it compares, where it compares layers; empty for the usual ones of the networks at hand.
  var layers: [LayerPair] { get }

  /// Which layers these are; nil for a method that compares none, or has the same ones whatever the networks.
  static var usualLayers: UsualLayers? { get }

  /// The weight that a setting of its own stands for, such as alpha of KD; nil where the term's weight is all there is.
  var ownWeight: Double? { get }

  /// The key of the setting that is `ownWeight`.
  static var ownWeightKey: String? { get }

  /// Gives up `ownWeight`, for a term that has a weight.
  mutating func giveUpOwnWeight()

  /// What cross-entropy's weight is multiplied by beside the method.
  var crossEntropyFactor: Double { get }

  /// Whether it needs the class of each input: of mixed ones it takes that of the larger part, and a run says so.
  var needsLabels: Bool { get }

  /// Whether it needs the teacher's classifier, `LossSetup.classifier`.
  static var needsClassifier: Bool { get }

  /// Whether it needs the teacher's batch norms, `LossSetup.normalizations`.
  static var needsNormalizations: Bool { get }

  /// Whether it keeps something of every sample of the set, as memory banks do.
  static var keepsSamples: Bool { get }

  /// The loss for a student and a teacher.
  /// - Throws: `MethodError` where they do not go together.
  func loss(for setup: LossSetup) throws -> any DistillationLoss

  /// What the network that is kept has beyond the student; nil for a method that keeps the student as it is.
  /// - Throws: `MethodError` as `loss(for:)`.
  func addedCost(for setup: LossSetup) throws -> NetworkCost?
}

extension Method {
  public static var settings: [Setting<Self>] { [] }
  public var layers: [LayerPair] { [] }
  public static var usualLayers: UsualLayers? { nil }
  public var ownWeight: Double? { nil }
  public static var ownWeightKey: String? { nil }
  public mutating func giveUpOwnWeight() {}
  public var crossEntropyFactor: Double { 1 }
  public var needsLabels: Bool { false }
  public static var needsClassifier: Bool { false }
  public static var needsNormalizations: Bool { false }
  public static var keepsSamples: Bool { false }
  public func addedCost(for setup: LossSetup) throws -> NetworkCost? { nil }
  public var name: String { Self.card.name }

  /// The number under a key; nil where there is none.
  public func number(_ key: String) -> Double? {
    guard case .number(let number)? = Self.settings.first(where: { $0.key == key })?.get(self) else { return nil }
    return number
  }

  /// Refuses a number that is out of its setting's range.
  /// - Throws: `SettingError`, its key behind the method's name.
  func checkSettings() throws {
    do {
      try Self.settings.check(self)
    } catch let error as SettingError {
      throw SettingError("\(name).\(error.key)", error.problem)
    }
  }

  /// Whether another method is the same with the same settings.
  public func isEqual(to other: any Method) -> Bool { other as? Self == self }
}

/// What lists and help say of a method.
public struct MethodCard: Sendable {
  /// The short name in configurations, logs and tables, such as `sp`.
  public let name: String
  /// Authors, venue and year.
  public let paper: String
  /// What it computes, in a line or two: z are logits, f pooled vectors, A activations, s and t the student's and the
  /// teacher's, b the batch's size.
  public let formula: String
  /// The code whose values and gradients it has; nil for one that was written from its paper.
  public let agreesWith: String?
  /// What it compares, such as `logits` or `activations`.
  public let compares: String
  /// What it trains or keeps beside the student; nil for nothing.
  public let trains: String?
  /// What a recording keeps of the teacher for it, such as `a b x b matrix for each layer pair`.
  public let records: String
  /// The weight where none is given; nil for one that calibration finds.
  public let weight: Double?
  /// The published weight and what it belongs to, where the default is another.
  public let publishedWeight: String?
  /// The weight where none is given, as text: `auto` where calibration finds it.
  public var weightText: String {
    guard let weight else { return "auto" }
    return weight == weight.rounded() ? "\(Int(weight))" : "\(weight)"
  }

  /// Why a batch of one input is nothing to it; nil where it is enough.
  public let loneInput: String?
  /// The epochs over which the weight rises where nothing else is said, see `Objective.Term`.
  public let warmUpEpochs: Int

  /// A card with all that it says; each is described beside its property.
  public init(
    name: String, paper: String, formula: String, agreesWith: String?, compares: String, trains: String? = nil,
    records: String, weight: Double?, publishedWeight: String? = nil, loneInput: String? = nil, warmUpEpochs: Int = 0
  ) {
    self.name = name
    self.paper = paper
    self.formula = formula
    self.agreesWith = agreesWith
    self.compares = compares
    self.trains = trains
    self.records = records
    self.weight = weight
    self.publishedWeight = publishedWeight
    self.loneInput = loneInput
    self.warmUpEpochs = warmUpEpochs
  }
}

/// What a method's loss is made for.
public struct LossSetup {
  /// What the student gives.
  public let student: NetworkDescription
  /// What the teacher gives.
  public var teacher: NetworkDescription
  /// What the loss is trained on; nil where only shapes are looked at.
  public var samples: Samples?
  /// The teacher's last, linear layer; nil where it is not known, and where only shapes are looked at.
  public var classifier: TeacherClassifier?
  /// The teacher's batch norms before ReLUs, see `Network.normalizations(of:)`; nil where they are not known, as of exported
  /// teachers and recordings, and where only shapes are looked at.
  public var normalizations: [String: TapNormalization]?
  /// Whether what the loss trains and keeps is loaded afterwards, so that its initial values do not matter.
  public var restoresState = false
  /// Draws the initial values of what the loss trains.
  public let generator: Generator

  /// The training samples of a run.
  public struct Samples {
    /// How many there are.
    public let count: Int
    /// The class of each; nil where they have none.
    public let labels: [Int]?

    /// So many samples, and their labels where they have some.
    public init(count: Int, labels: [Int]?) { (self.count, self.labels) = (count, labels) }
  }

  /// A setup of both networks and what else is known.
  public init(
    student: NetworkDescription, teacher: NetworkDescription, samples: Samples? = nil,
    classifier: TeacherClassifier? = nil, normalizations: [String: TapNormalization]? = nil, generator: Generator
  ) {
    self.student = student
    self.teacher = teacher
    self.samples = samples
    self.classifier = classifier
    self.normalizations = normalizations
    self.generator = generator
  }
}

/// A teacher's last, linear layer.
public struct TeacherClassifier {
  /// Classes x features.
  public let weight: Tensor
  /// Classes.
  public let bias: Tensor

  /// A classifier of these weights.
  public init(weight: Tensor, bias: Tensor) { (self.weight, self.bias) = (weight, bias) }

  /// A layer's weights as they are, without gradients.
  public init(_ layer: Linear) { self.init(weight: layer.weight.detached(), bias: layer.bias.detached()) }
}

/// What a network costs, or a part of it.
public struct NetworkCost: Sendable, Equatable {
  /// The numbers in it, batch norms' statistics not counted.
  public var parameters: Int
  /// Of one input.
  public var multiplyAdds: Int

  /// So many of each.
  public init(parameters: Int, multiplyAdds: Int) { (self.parameters, self.multiplyAdds) = (parameters, multiplyAdds) }
}

/// A student and a teacher that a method cannot compare: one line.
public struct MethodError: Error, CustomStringConvertible, Sendable {
  /// The setting that has to change; nil for the method itself.
  public let key: String?
  /// What is wrong and what to do, to stand behind the method's name and the key.
  public let problem: String

  /// A problem in words that stand behind the method's name.
  public init(_ problem: String, key: String? = nil) { (self.key, self.problem) = (key, problem) }

  public var description: String { key.map { "\($0): \(problem)" } ?? problem }
}

extension LossSetup {
  /// The shapes of a layer pair, without the batch axis.
  /// - Throws: `MethodError` where a network lacks the layer.
  public func shapes(_ pair: LayerPair) throws -> (student: [Int], teacher: [Int]) {
    (try shape(pair.student, of: student), try shape(pair.teacher, of: teacher))
  }

  private func shape(_ tap: String, of network: NetworkDescription) throws -> [Int] {
    if let shape = network.shape(of: tap) { return shape }
    throw MethodError("\(network.name) gives no '\(tap)'", key: "layers")
  }

  /// The channels and side lengths of a layer pair whose activations are square maps, C x H x H.
  /// - Throws: `MethodError` where they are not.
  public func maps(_ pair: LayerPair, _ method: String) throws -> (student: MapShape, teacher: MapShape) {
    let shapes = try shapes(pair)
    guard let teacher = MapShape(shapes.teacher) else {
      throw MethodError(
        "\(method) compares square maps, but the teacher's \(pair.teacher) has shape \(shapes.teacher); use sp, or "
          + "another output", key: "layers")
    }
    guard let student = MapShape(shapes.student) else {
      throw MethodError(
        "\(method) compares square maps, but the student's \(pair.student) has shape \(shapes.student); use sp, or "
          + "another layer", key: "layers")
    }
    return (student, teacher)
  }

  /// The widths of both pooled vectors.
  /// - Throws: `MethodError` where a network gives none.
  public func pooledWidths() throws -> (student: Int, teacher: Int) {
    (try pooledWidth(of: student), try pooledWidth(of: teacher))
  }

  private func pooledWidth(of network: NetworkDescription) throws -> Int {
    guard let shape = network.shape(of: Activations.pooledName), shape.count == 1 else {
      throw MethodError("needs the pooled vector, and \(network.name) gives none; name an output 'pooled', or use sp")
    }
    return shape[0]
  }

  /// - Throws: `MethodError` where the teacher gives no logits.
  /// - Returns: how many it gives.
  @discardableResult
  public func requireLogits() throws -> Int {
    if let classes = teacher.classes { return classes }
    throw MethodError("needs logits, and \(teacher.name) gives none; use sp, at or hint")
  }

  /// - Throws: `MethodError` where the networks do not tell the same classes.
  public func requireSameClasses() throws {
    let classes = try requireLogits()
    guard classes == student.classes else {
      throw MethodError(
        "needs a teacher with the student's \(student.classes ?? 0) classes, but \(teacher.name) has \(classes); "
          + "use sp, at or hint")
    }
  }
}

/// The shape of an activation of one input that is a square map.
public struct MapShape: Sendable {
  /// The channels.
  public let channels: Int
  /// The side length.
  public let size: Int

  /// nil where it is none.
  /// - Parameter shape: without the batch axis.
  public init?(_ shape: [Int]) {
    guard shape.count == 3, shape[1] == shape[2] else { return nil }
    (channels, size) = (shape[0], shape[1])
  }
}
