/// From a YAML file and settings of the command line to a checked configuration. Each section reads its own keys.

import Foundation
import Kindred
import KindredVision
import Torch

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
  package static func load(file: URL, overrides: Overrides = []) throws -> Configuration {
    let settings = try load(file: file, overrides: overrides, from: [])
    try overrides.requireTeacher(in: [settings])
    return settings
  }

  /// - Parameter users: the files that lead to this one, to notice a circle.
  private static func load(file: URL, overrides: Overrides, from users: [URL]) throws -> Configuration {
    let tree = try ConfigurationFile.tree(file, from: users)
    if let rows = tree[Study.rowsKey] {
      let command = ShellCommand.line([ShellCommand.program, "compare", file.displayName])
      throw ConfigurationError(
        place: rows.place.name, key: Study.rowsKey, message: "this is a study of several runs; use \(command)")
    }
    return try Configuration(tree, file: file, overrides: overrides, users: users)
  }

  /// The run that makes this one's teacher, its images divided as the student's are: it would have learnt from images that
  /// the student is measured on otherwise.
  /// - Throws: `ConfigurationError` for the first mistake.
  func teacherRun(_ teacher: TeacherRun) throws -> Configuration {
    var run = try Configuration.load(teacher, from: [])
    run.data.divide(like: data)
    return run
  }

  private static func load(_ teacher: TeacherRun, from users: [URL]) throws -> Configuration {
    let overrides = Overrides(
      teacher.overrides, teachers: teacher.overrides, from: "teacher.set",
      folder: teacher.file.url.deletingLastPathComponent())
    return try load(file: teacher.file.url, overrides: overrides, from: users)
  }

  /// - Parameters:
  ///   - tree: the settings, with those that they extend.
  ///   - file: where they stand; its name is the run's unless the settings say another.
  init(_ tree: YAMLNode, file: URL, overrides: Overrides, users: [URL] = []) throws {
    var tree = tree
    try overrides.apply(to: &tree)
    do {
      try self.init(try YAMLReader(tree), file: file, users: users)
    } catch var error as ConfigurationError where error.place.isEmpty {
      error.place = tree.place(of: error.key.components(separatedBy: ".")).name
      throw error
    }
  }

  private init(_ reader: YAMLReader, file: URL, users: [URL]) throws {
    name = try reader.text("name") ?? file.deletingPathExtension().lastPathComponent
    let data = try reader.subsection("data")
    if case .scalar(let name, _)? = reader.value("student")?.content, Architecture(name: name) != nil {
      throw reader.error("student", "expected a section of keys; write student: {network: \(name)}")
    }
    let student = try reader.subsection("student")
    let teachers = try reader.teachers()
    losses = try Losses(try reader.subsectionOrEmpty("losses"))
    training = Recipe()
    try reader.subsectionOrEmpty("training").readWhole(Recipe.settings, into: &training)
    // What a run writes down and nobody else: no key to be offered.
    content = reader.keys.contains("content") ? try reader.subsection("content").map { try .init($0) } ?? [:] : [:]
    self.data = try Images(try reader.required("data", data, "write data: {set: cifar-10}, or another set"))
    try self.data.open()
    self.student = try Student(try reader.required("student", student, "write student: {network: wrn-16-1}"))
    var teacherRuns: [Configuration] = []
    let members = try teachers.map { teacher in
      try Teacher(teacher) { teacher in
        var run = try Configuration.load(teacher, from: users + [file.standardizedFileURL])
        run.data.divide(like: self.data)
        teacherRuns.append(run)
        guard let network = run.student.network.architecture else {
          throw ConfigurationError(
            key: "teacher.config",
            message: "it trains an ONNX file's network; export what it made, and name that: teacher: {onnx: FILE}")
        }
        return network
      }
    }
    self.teacher = members.count > 1 ? Teacher(source: .several(members)) : members.first
    try reader.finish()
    if let run = teacherRuns.first { try takeClasses(of: run) }
    resolveKnownLayers()
    try check()
    for run in teacherRuns { try check(teacher: run) }
  }
}

// MARK: - Sections

extension Configuration.Images {
  fileprivate init(_ reader: YAMLReader) throws {
    self.init(set: .textures)
    try reader.readWhole(Self.settings, into: &self)
    let name = self.set?.name ?? Self.folderName
    for choice in DataSets.choices where reader.keys.contains(choice.key) && self.set?.choice(choice.key) == nil {
      let owners = DataSets.all.filter { $0.choice(choice.key) != nil }.map(\.name)
      throw reader.error(choice.key, "is for \(owners.alternatives), and the set is \(name); take it out")
    }
  }
}

extension Configuration.Student {
  fileprivate init(_ reader: YAMLReader) throws {
    let (network, onnx) = (try reader.network(), try reader.onnx())
    weights = try reader.file("weights")
    let classifier = try reader.choice("classifier", of: Configuration.Classifier.self)
    freeze = try reader.names("freeze") ?? []
    guard network == nil || onnx == nil else {
      throw reader.error("onnx", "a student is one network, and there is network too; take one out")
    }
    self.network =
      try onnx.map { .onnx($0) }
      ?? .zoo(try reader.required("network", network, "name one such as wrn-16-1, or onnx: FILE"))
    guard weights != nil || onnx != nil || classifier == nil else {
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
  fileprivate init(
    _ reader: YAMLReader, networkOfRun: (Configuration.TeacherRun) throws -> Architecture
  ) throws {
    let network = try reader.network()
    let weights = try reader.file("weights")
    let configuration = try reader.file("config")
    let overrides = try reader.names("set") ?? []
    let recording = try reader.file("recording")
    let exported = try reader.file("exported")
    let outputs = try reader.subsection("outputs")
    let onnx = try reader.onnx()
    try reader.refuseSecondSource(weights, configuration, recording, exported, onnx?.file)
    if let weights {
      source = .weights(
        try reader.required("network", network, "weights do not say which network they belong to"), weights)
    } else if let configuration {
      if network == nil, let problem = ConfigurationFile.problem(opening: configuration.url) {
        throw reader.error("config", problem)
      }
      let run = Configuration.TeacherRun(file: configuration, overrides: overrides)
      source = .configuration(try network ?? networkOfRun(run), run)
    } else if let recording {
      source = .recording(recording)
    } else if let exported {
      let outputs = try reader.required(
        "outputs", outputs, "say where things lie in its result, such as {logits: 0, stage3: 1}")
      source = .exported(.init(file: exported, outputs: try outputs.places()))
    } else if let onnx {
      source = .onnx(onnx)
    } else {
      throw reader.error("weights", "missing; give weights, or the config of the run that makes them")
    }
    if configuration == nil, !overrides.isEmpty {
      throw reader.error("set", "only a teacher that its config makes has settings to change; take it out")
    }
    precision = try reader.choice("precision", of: Precision.self) ?? .float32
    quantization = Configuration.Quantization()
    try reader.subsectionOrEmpty("int8").readWhole(Configuration.Quantization.settings, into: &quantization)
    try reader.refuseUseless(network: self.network == nil ? network : nil, outputs: exported == nil ? outputs : nil)
    try reader.finish()
  }
}

extension YAMLReader {
  /// The teacher, or a list of several.
  fileprivate func teachers() throws -> [YAMLReader] {
    guard case .list(let items) = value("teacher")?.content else {
      return [try subsection("teacher")].compactMap(\.self)
    }
    guard items.count > 1 else { throw error("teacher", "a list is of two teachers or more; write the one as it is") }
    return try items.map { try subreader("teacher", $0) }
  }

  /// A teacher comes from one place.
  fileprivate func refuseSecondSource(
    _ weights: ConfiguredFile?, _ config: ConfiguredFile?, _ recording: ConfiguredFile?, _ exported: ConfiguredFile?,
    _ onnx: ConfiguredFile?
  ) throws {
    let all = [
      ("weights", weights), ("config", config), ("recording", recording), ("exported", exported), ("onnx", onnx),
    ]
    let given = all.filter { $0.1 != nil }.map(\.0)
    guard given.count > 1 else { return }
    throw error(given[1], "a teacher comes from one place, and there is \(given[0]) too; take one out")
  }

  /// Keys that say nothing of a teacher from that source.
  fileprivate func refuseUseless(network: Architecture?, outputs: YAMLReader?) throws {
    if network != nil { throw error("network", "the recording or file says itself what it holds; take it out") }
    if outputs != nil { throw error("outputs", "only a file named by exported has outputs to name; take it out") }
  }

  /// An ONNX file with what belongs to it; nil where none is named.
  fileprivate func onnx() throws -> Configuration.ONNXSource? {
    let (file, taps) = (try file("onnx"), try subsection("taps"))
    let input = try choice("input", of: StudentExport.Input.self)
    if let file { return .init(file: file, taps: try taps?.values() ?? [:], input: input) }
    if taps != nil { throw error("taps", "only a file named by onnx has values to name; take it out") }
    if input != nil { throw error("input", "only a file named by onnx can say what it takes; take it out") }
    return nil
  }

  /// Texts by their keys.
  fileprivate func values() throws -> [String: String] {
    try Dictionary(
      uniqueKeysWithValues: keys.map { name in
        guard let text = try text(name) else { throw error(name, "expected the name of a value") }
        return (name, text)
      })
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
    let crossEntropy = try reader.number(Objective.crossEntropyID, .notNegative) ?? 1
    let labelSmoothing = try reader.number(Self.labelSmoothingKey, .belowOne) ?? 0
    var terms: [Configuration.Term] = []
    for method in Methods.all {
      let name = method.card.name
      if let section = try reader.subsection(name) { terms.append(try .init(method, section, id: name)) }
    }
    for id in reader.keys where reader.isTerm(id) {
      guard let section = try reader.subsection(id) else { continue }
      terms.append(try .init(try section.method(), section, id: id))
    }
    self.init(crossEntropy: crossEntropy, labelSmoothing: labelSmoothing, terms: terms)
    try reader.finish()
  }
}

extension YAMLReader {
  /// Whether a key that is no method's name holds a term, one of several of a method.
  fileprivate func isTerm(_ id: String) -> Bool {
    id != Objective.crossEntropyID && Methods.named(id) == nil && node(id)?["method"] != nil
  }

  fileprivate func method() throws -> any Method.Type {
    let name = try text("method") ?? ""
    if let method = Methods.named(name) { return method }
    let names = Methods.all.map { $0.card.name }
    let advice = Spelling.advice(for: name, among: names, else: "there are \(names.joined(separator: ", "))")
    throw error("method", "there is no method '\(name)'; \(advice)")
  }
}

extension Configuration.Term {
  fileprivate init(_ type: any Method.Type, _ reader: YAMLReader, id: String) throws {
    guard !id.contains("."), id != "loss" else {
      throw reader.error("method", "'\(id)' cannot name a term; use letters, digits and dashes")
    }
    try self.init(reading: type, reader, id: id)
    try reader.finish()
  }

  private init<M: Method>(reading: M.Type, _ reader: YAMLReader, id: String) throws {
    var method = M()
    let weight = try Configuration.Weight(reader, M.card)
    if weight != nil, let key = M.ownWeightKey {
      if reader.keys.contains(key) {
        throw reader.error("weight", "\(key) is the term's weight already; take one of them out")
      }
      method.giveUpOwnWeight()
    }
    try reader.read(M.settings, into: &method)
    self.init(method, weight: weight, id: id)
    try reader.read(Self.settings, into: &self)
  }
}

extension Configuration.Weight {
  /// nil where nothing is said of it. A number beside a fraction or a number of batches is a weight that was found by
  /// calibration.
  fileprivate init?(_ reader: YAMLReader, _ card: MethodCard) throws {
    let isAutomatic = reader.value("weight")?.plainText == "auto"
    let number = isAutomatic ? nil : try reader.number("weight", .notNegative)
    let fraction = try reader.number("fraction", .positive)
    let batches = try reader.wholeNumber("calibration_batches", in: 1...Int.max)
    guard isAutomatic || number != nil || fraction != nil || batches != nil else { return nil }
    if let number, fraction == nil, batches == nil {
      self = .fixed(number)
      return
    }
    guard number != 0 else {
      throw reader.error(
        "weight",
        "0 is no weight that calibration finds: the run that wrote it was trained without this term; write auto")
    }
    let usual = Configuration.Calibration()
    let calibration = Configuration.Calibration(
      fraction: fraction ?? usual.fraction, batches: batches ?? usual.batches)
    self = .automatic(calibration, found: number)
  }
}
