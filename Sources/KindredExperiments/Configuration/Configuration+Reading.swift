/// From a YAML file and settings of the command line to a checked configuration. Each section reads its own keys.

import Foundation
import Kindred
import KindredVision

extension Configuration {
  /// Reads a configuration file.
  ///
  /// A file may name another in `extends`: it then starts from all of that file's settings but its name. Relative paths
  /// start at the folder of the file they stand in, or for overrides at the current folder. Nothing but configuration
  /// files is opened: this one, those it extends, and the teacher's `config` when `network` does not stand beside it.
  ///
  /// - Parameter overrides: settings over the file's, as `training.epochs=20`: a path of keys and a value in YAML. An
  ///   empty value or `null` takes the file's setting away.
  /// - Throws: `ConfigurationError` for the first mistake.
  public static func load(file: URL, overrides: [String] = []) throws -> Configuration {
    try load(file: file, overrides: overrides, from: [])
  }

  /// - Parameter users: the files that lead to this one, to notice a circle.
  private static func load(file: URL, overrides: [String], from users: [URL]) throws -> Configuration {
    var tree = try ConfigurationFile.tree(file, from: users)
    for override in overrides { try ConfigurationFile.apply(override, to: &tree) }
    do {
      let reader = try YAMLReader(tree)
      return try Configuration(reader, file: file, users: users)
    } catch var error as ConfigurationError where error.place.isEmpty {
      error.place = tree.place(of: error.key.components(separatedBy: ".")).name
      throw error
    }
  }

  private init(_ reader: YAMLReader, file: URL, users: [URL]) throws {
    name = try reader.text("name") ?? file.deletingPathExtension().lastPathComponent
    let data = try reader.subsection("data")
    let student = try reader.subsection("student")
    let teacher = try reader.subsection("teacher")
    losses = try Losses(try reader.subsectionOrEmpty("losses"))
    training = try Training(try reader.subsectionOrEmpty("training"))
    // What a run writes down and nobody else: no key to be offered.
    content = reader.keys.contains("content") ? try reader.subsection("content").map { try .init($0) } ?? [:] : [:]
    self.data = try Images(try reader.required("data", data, "write data: {set: cifar-10}, or another set"))
    self.student = try Student(try reader.required("student", student, "write student: {network: wrn-16-1}"))
    var teacherRun: Configuration?
    if let teacher {
      self.teacher = try Teacher(teacher) { path in
        let run = try Configuration.load(file: path.url, overrides: [], from: users + [file.standardizedFileURL])
        teacherRun = run
        return run.student.network
      }
    }
    try reader.finish()
    try check()
    if let teacherRun { try check(teacher: teacherRun) }
  }
}

// MARK: - Sections

extension Configuration.Images {
  fileprivate init(_ reader: YAMLReader) throws {
    let set = try reader.choice("set", of: DataSetName.self)
    folder = try reader.file("folder")
    trainImages = try reader.countOrAll("train_images")
    heldOutImages = try reader.wholeNumber("held_out_images", in: 0...Int.max) ?? 0
    evaluateOn = try reader.choice("evaluate_on", of: Configuration.EvaluationSet.self) ?? .test
    testImages = try reader.countOrAll("test_images")
    let padding = try reader.wholeNumber("crop_padding", in: 0...Int(Int8.max))
    let flip = try reader.flag("flip")
    self.set = try reader.required("set", set, "name one of " + DataSetName.allCases.map(\.rawValue).alternatives)
    let usual = Self.usualAugmentation(for: self.set)
    augmentation = Augmentation(cropPadding: padding ?? usual.cropPadding, flip: flip ?? usual.flip)
    try reader.finish()
  }
}

extension Configuration.Student {
  fileprivate init(_ reader: YAMLReader) throws {
    let network = try reader.network()
    weights = try reader.file("weights")
    let classifier = try reader.choice("classifier", of: Configuration.Classifier.self)
    self.network = try reader.required("network", network, "name one such as wrn-16-1")
    guard weights != nil || classifier == nil else {
      throw reader.error("classifier", "says what of weights is used, and there are none; give weights, or take it out")
    }
    self.classifier = classifier ?? .loaded
    try reader.finish()
  }
}

extension Configuration.Content {
  fileprivate init(_ reader: YAMLReader) throws {
    self.init()
    for input in Configuration.Input.allCases { self[input] = try reader.text(input.rawValue) }
    try reader.finish()
  }
}

extension Configuration.Teacher {
  /// - Parameter networkOfRun: finds the network that a configuration file trains.
  fileprivate init(_ reader: YAMLReader, networkOfRun: (ConfiguredFile) throws -> Architecture) throws {
    let network = try reader.network()
    let weights = try reader.file("weights")
    let configuration = try reader.file("config")
    let recording = try reader.file("recording")
    let exported = try reader.file("exported")
    let outputs = try reader.subsection("outputs")
    try reader.refuseSecondSource(weights, configuration, recording, exported)
    if let weights {
      source = .weights(
        try reader.required("network", network, "weights do not say which network they belong to"), weights)
    } else if let configuration {
      if network == nil, let problem = ConfigurationFile.problem(opening: configuration.url) {
        throw reader.error("config", problem)
      }
      source = .configuration(try network ?? networkOfRun(configuration), configuration)
    } else if let recording {
      source = .recording(recording)
    } else if let exported {
      let outputs = try reader.required(
        "outputs", outputs, "say where things lie in its result, such as {logits: 0, stage3: 1}")
      source = .exported(.init(file: exported, outputs: try outputs.places()))
    } else {
      throw reader.error("weights", "missing; give weights, or the config of the run that makes them")
    }
    precision = try reader.choice("precision", of: Precision.self) ?? .float32
    quantization = try Configuration.Quantization(try reader.subsectionOrEmpty("int8"))
    try reader.refuseUseless(network: self.network == nil ? network : nil, outputs: exported == nil ? outputs : nil)
    try reader.finish()
  }
}

extension Configuration.Quantization {
  fileprivate init(_ reader: YAMLReader) throws {
    let usual = Configuration.Quantization()
    calibrationBatches =
      try reader.wholeNumber("calibration_batches", in: 1...Int.max) ?? usual.calibrationBatches
    checkedImages = try reader.wholeNumber("checked_images", in: 2...Int.max) ?? usual.checkedImages
    largestTop1Drop = try reader.number("largest_top1_drop", .notNegative) ?? usual.largestTop1Drop
    largestGramError = try reader.number("largest_gram_error", .notNegative) ?? usual.largestGramError
    smallestGramCorrelation =
      try reader.number("smallest_gram_correlation", .unit) ?? usual.smallestGramCorrelation
    try reader.finish()
  }
}

extension YAMLReader {
  /// A teacher comes from one place.
  fileprivate func refuseSecondSource(
    _ weights: ConfiguredFile?, _ config: ConfiguredFile?, _ recording: ConfiguredFile?, _ exported: ConfiguredFile?
  ) throws {
    let given = [("weights", weights), ("config", config), ("recording", recording), ("exported", exported)]
      .filter { $0.1 != nil }.map(\.0)
    guard given.count > 1 else { return }
    throw error(given[1], "a teacher comes from one place, and there is \(given[0]) too; take one out")
  }

  /// Keys that say nothing of a teacher from that source.
  fileprivate func refuseUseless(network: Architecture?, outputs: YAMLReader?) throws {
    if network != nil { throw error("network", "the recording or file says itself what it holds; take it out") }
    if outputs != nil { throw error("outputs", "only a file named by exported has outputs to name; take it out") }
  }

  /// Places in an exported network's result, by name.
  fileprivate func places() throws -> [String: Configuration.Exported.Place] {
    let names = keys
    guard !names.isEmpty else { throw error("logits", "missing; name at least one output") }
    return try Dictionary(
      uniqueKeysWithValues: names.map { name in
        guard let text = try text(name) else { throw error(name, "expected an index or a key") }
        return (name, value(name)?.plainText.flatMap { Int($0) }.map { .index($0) } ?? .key(text))
      })
  }

  /// The network under the key `network`.
  fileprivate func network() throws -> Architecture? {
    guard let name = try text("network") else { return nil }
    guard let network = Architecture(name: name) else {
      let rule =
        "names are wrn-DEPTH-WIDTH (depth 10, 16, 22 ... 100; width 1 to 20), resnet-20, resnet-8x4 and the like"
      let advice = Spelling.advice(for: name, among: Architecture.suggestedNames, else: rule)
      throw error("network", "no network is called '\(name)'; \(advice)")
    }
    return network
  }
}

extension Configuration.Losses {
  fileprivate init(_ reader: YAMLReader) throws {
    crossEntropy = try reader.number("cross_entropy", .notNegative) ?? 1
    sp = try reader.subsection("sp").map { try .init($0, layers: [Architecture.defaultTap]) }
    kd = try reader.subsection("kd").map { try .init($0) }
    at = try reader.subsection("at").map { try .init($0, layers: Architecture.attentionTaps) }
    hint = try reader.subsection("hint").map { try .init($0, layers: [Architecture.hintTap]) }
    try reader.finish()
  }
}

extension Configuration.ActivationLoss {
  fileprivate init(_ reader: YAMLReader, layers usual: [String]) throws {
    weight = try Configuration.Weight(reader)
    if case .automatic(_, found: 0) = weight {
      throw reader.error(
        "weight",
        "0 is no weight that calibration finds: the run that wrote it was trained without this term; write auto")
    }
    layers = try reader.layerPairs("layers") ?? usual.map { LayerPair($0) }
    try reader.finish()
  }
}

extension Configuration.Weight {
  /// A number beside a fraction or a number of batches is a weight that was found by calibration.
  fileprivate init(_ reader: YAMLReader) throws {
    let number = reader.value("weight")?.plainText == "auto" ? nil : try reader.number("weight", .notNegative)
    let fraction = try reader.number("fraction", .positive)
    let batches = try reader.wholeNumber("calibration_batches", in: 1...Int.max)
    if let number, fraction == nil, batches == nil {
      self = .fixed(number)
    } else {
      let usual = Configuration.Calibration()
      let calibration = Configuration.Calibration(
        fraction: fraction ?? usual.fraction, batches: batches ?? usual.batches)
      self = .automatic(calibration, found: number)
    }
  }
}

extension Configuration.LogitsLoss {
  fileprivate init(_ reader: YAMLReader) throws {
    let usual = Configuration.LogitsLoss()
    alpha = try reader.number("alpha", .unit) ?? usual.alpha
    temperature = try reader.number("temperature", .positive) ?? usual.temperature
    try reader.finish()
  }
}

extension YAMLReader {
  /// Pairs of taps: names that hold for both networks, or `{student: stage3, teacher: stage2}`.
  fileprivate func layerPairs(_ key: String) throws -> [LayerPair]? {
    guard let items = items(key) else { return nil }
    guard !items.isEmpty else { throw error(key, "the list is empty; name a tap, or take the loss out") }
    return try items.map { item in
      if case .scalar(let tap, _) = item.content { return LayerPair(tap) }
      guard item.entries != nil else { throw error(key, "expected taps such as stage3, found a list in the list") }
      let pair = try subreader(key, item)
      let (student, teacher) = (try pair.text("student"), try pair.text("teacher"))
      try pair.finish()
      return LayerPair(
        student: try pair.required("student", student, "name the student's tap"),
        teacher: try pair.required("teacher", teacher, "name the teacher's tap"))
    }
  }
}

extension Configuration.Training {
  fileprivate init(_ reader: YAMLReader) throws {
    let usual = Configuration.Training()
    epochs = try reader.wholeNumber("epochs", in: 1...1_000_000) ?? usual.epochs
    batchSize = try reader.wholeNumber("batch_size", in: 1...1_000_000) ?? usual.batchSize
    seed = try reader.seed("seed") ?? usual.seed
    planSeed = try reader.seed("plan_seed")
    planEpochs = try reader.wholeNumber("plan_epochs", in: 1...1_000_000)
    dropLast = try reader.flag("drop_last") ?? usual.dropLast
    optimizer = try Configuration.Optimizer(try reader.subsectionOrEmpty("optimizer"))
    schedule = try Configuration.Schedule(try reader.subsectionOrEmpty("schedule"), epochs: epochs)
    evaluateEvery = try reader.wholeNumber("evaluate_every", in: 1...Int.max) ?? usual.evaluateEvery
    threads = try reader.wholeNumber("threads", in: 0...1024) ?? usual.threads
    device = try reader.choice("device", of: Configuration.Device.self) ?? usual.device
    precision = try reader.choice("precision", of: Precision.self) ?? usual.precision
    cudaGraph = try reader.flag("cuda_graph") ?? usual.cudaGraph
    try reader.finish()
  }
}

extension Configuration.Optimizer {
  enum Name: String, CaseIterable {
    case sgd
    case adamW = "adamw"
  }

  fileprivate init(_ reader: YAMLReader) throws {
    switch try reader.choice("name", of: Name.self) ?? .sgd {
    case .sgd: self = .sgd(try Configuration.SGD(reader))
    case .adamW: self = .adamW(try Configuration.AdamW(reader))
    }
    try reader.finish()
  }
}

extension Configuration.SGD {
  fileprivate init(_ reader: YAMLReader) throws {
    let usual = Configuration.SGD()
    learningRate = try reader.number("learning_rate", .positive) ?? usual.learningRate
    momentum = try reader.number("momentum", .belowOne) ?? usual.momentum
    nesterov = try reader.flag("nesterov") ?? usual.nesterov
    weightDecay = try reader.number("weight_decay", .notNegative) ?? usual.weightDecay
  }
}

extension Configuration.AdamW {
  fileprivate init(_ reader: YAMLReader) throws {
    let usual = Configuration.AdamW()
    learningRate = try reader.number("learning_rate", .positive) ?? usual.learningRate
    beta1 = try reader.number("beta1", .belowOne) ?? usual.beta1
    beta2 = try reader.number("beta2", .belowOne) ?? usual.beta2
    epsilon = try reader.number("epsilon", .positive) ?? usual.epsilon
    weightDecay = try reader.number("weight_decay", .notNegative) ?? usual.weightDecay
  }
}

extension Configuration.Schedule {
  enum Name: String, CaseIterable {
    case step, cosine, constant
  }

  fileprivate init(_ reader: YAMLReader, epochs: Int) throws {
    switch try reader.choice("name", of: Name.self) ?? .step {
    case .step:
      let milestones = try reader.wholeNumbers("milestones", in: 1...Int.max)
      let factor = try reader.number("factor", .positive) ?? 0.2
      shape = .step(milestones: milestones ?? Self.usualMilestones(epochs: epochs), factor: factor)
    case .cosine: shape = .cosine(minimum: try reader.number("minimum", .notNegative) ?? 0)
    case .constant: shape = .constant
    }
    warmUpEpochs = try reader.wholeNumber("warm_up_epochs", in: 0...Int.max) ?? 0
    try reader.finish()
  }
}
