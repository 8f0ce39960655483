/// What cannot be: settings that are each valid but do not go together. All of it is known before any data is loaded.

import Kindred
import KindredVision
import Torch

extension Configuration {
  /// Refuses settings that contradict each other, the data set or the networks.
  ///
  /// - Throws: `ConfigurationError` for the first contradiction, with the key that has to change.
  package func check() throws {
    try data.check()
    try checkBatches()
    try checkTeacherIsUsed()
    try checkContentIsRead()
    try checkPrecision()
    try checkStudentFile()
    for term in losses.terms { try checkLayers(of: term) }
    if let network = teacher?.network {
      // How many classes it has is not known before its weights are seen.
      try check(teacher: network.description(classes: data.set.classCount, image: data.set.imageShape))
    }
    do {
      try training.check()
    } catch let error as SettingError {
      throw refusal("training.\(error.key)", error.problem)
    }
    guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
      throw refusal("name", "'\(name)' cannot name a run; use letters, digits and dashes")
    }
  }

  /// Refuses a teacher that does not give what the losses compare.
  ///
  /// - Throws: `ConfigurationError` with the key that has to change.
  package func check(teacher: NetworkDescription) throws {
    var resolved = self
    try resolved.resolveLayers(teacher: teacher)
    for term in resolved.losses.terms {
      try checkLayers(of: term)
      for pair in term.method.layers { _ = try shape(pair.teacher, of: teacher, key: term.layersKey) }
    }
    _ = try resolved.objective(teacher: teacher, Generator(seed: 0))
  }

  /// Refuses a teacher's run that this configuration cannot learn from.
  ///
  /// - Parameter run: the configuration that makes the teacher.
  /// - Throws: `ConfigurationError` with the key that has to change.
  package func check(teacher run: Configuration) throws {
    if let network = teacher?.network, .zoo(network) != run.student.network {
      throw refusal("teacher.network", "says \(network), but the config trains \(run.student.network.name)")
    }
    let (own, other) = (data.set.imageShape, run.data.set.imageShape)
    guard own == other else {
      throw refusal(
        "teacher",
        "it was trained on images of \(shape(other)) (\(run.data.set.rawValue)), "
          + "but \(data.set.rawValue) has \(shape(own)); both networks see the same images")
    }
    if data.set.classCount != run.data.set.classCount, let term = try comparingLogits(run) {
      throw refusal(
        "losses.\(term)",
        "needs a teacher with the student's classes: it has \(run.data.set.classCount) (\(run.data.set.rawValue)), "
          + "the student \(data.set.classCount); use sp, at or hint")
    }
  }

  private func shape(_ size: (channels: Int, height: Int, width: Int)) -> String {
    "\(size.channels) x \(size.height) x \(size.width)"
  }

  /// The images that are left to train on.
  package var trainingImageCount: Int {
    data.trainImages ?? data.set.imageCount(.train) - data.heldOutImages
  }

  private func checkBatches() throws {
    let (batch, images) = (training.batchSize, trainingImageCount)
    guard batch <= images else {
      throw refusal(
        "training.batch_size", "a batch of \(batch) is more than the \(images) training images; use a smaller one")
    }
    for term in losses.terms {
      guard let problem = type(of: term.method).card.loneInput else { continue }
      if batch == 1 {
        throw refusal("training.batch_size", "1 does not go with losses.\(term.id): \(problem); use 2 or more")
      }
      if !training.dropLast, images % batch == 1 {
        throw refusal(
          "training.drop_last",
          "\(images) images in batches of \(batch) end with a batch of 1, and for losses.\(term.id) \(problem); "
            + "use true, or another batch size")
      }
    }
  }

  private func checkTeacherIsUsed() throws {
    if teacher != nil, losses.terms.isEmpty {
      throw refusal("teacher", "no loss asks anything of it; add sp, kd, at or hint to losses, or take it out")
    }
    if teacher == nil, let term = losses.terms.first {
      throw refusal(
        "losses.\(term.id)", "needs a teacher; add teacher: {config: teacher.yaml}, or take the loss out")
    }
    if losses.crossEntropyWeight == 0, losses.terms.allSatisfy({ $0.value == 0 }) {
      throw refusal("losses.cross_entropy", "0 leaves nothing to learn from; give it a weight above 0")
    }
  }

  /// What a run does not read cannot be held against anything.
  private func checkContentIsRead() throws {
    let unread: [Input] =
      (teacher == nil ? [.teacher, .recording] : []) + (student.weights == nil ? [.start] : [])
      + (student.network.architecture == nil ? [] : [.student])
    if let input = unread.first(where: { content[$0] != nil }) {
      throw refusal("content.\(input.rawValue)", "there is no such thing in this run; take it out")
    }
  }

  private func checkPrecision() throws {
    guard let teacher, teacher.precision == .int8 else { return }
    guard teacher.isRunAsGraph else {
      throw refusal("teacher.precision", "int8 is for networks of the zoo and ONNX files; take it out")
    }
    guard training.device == .cpu else {
      throw refusal("teacher.precision", "int8 runs on the CPU only; use float32 on \(training.device.rawValue)")
    }
  }

  /// Refuses an ONNX file that cannot learn the images' classes.
  private func checkStudentFile() throws {
    guard case .onnx(let source) = student.network else { return }
    let (facts, classes) = (try studentFacts, data.set.classCount)
    let file = source.file.url.displayName
    if student.classifier == .fresh, !facts.hasClassifier {
      throw refusal("student.classifier", "fresh: the logits of \(file) do not come of one linear layer")
    }
    if student.classifier == .loaded, facts.classes != classes {
      throw refusal(
        "student.onnx",
        "\(file) tells \(facts.classes) classes, and \(data.set.rawValue) has \(classes); for another classifier say "
          + "student.classifier: fresh")
    }
  }

  /// What can be said of a term's layers without the teacher.
  private func checkLayers(of term: Term) throws {
    let layers = term.method.layers
    for (index, pair) in layers.enumerated() {
      _ = try shape(pair.student, of: try studentDescription, key: term.layersKey)
      guard !layers[..<index].contains(pair) else {
        throw refusal(term.layersKey, "\(pair.student) and \(pair.teacher) are paired twice; keep one")
      }
    }
  }

  /// A term that compares logits with the teacher's, for a teacher that a run makes.
  private func comparingLogits(_ run: Configuration) throws -> String? {
    var teacher = try run.studentDescription
    teacher.classes = data.set.classCount
    let terms = try objective(teacher: teacher, Generator(seed: 0)).terms
    return terms.first { $0.loss.statistics.contains(.logits) && $0.loss.request.logits }?.id
  }

  /// What the student gives, in the words that teachers are described in.
  /// - Throws: `ConfigurationError` for an ONNX file that cannot be read.
  package var studentDescription: NetworkDescription {
    get throws { try studentFacts.description(classes: data.set.classCount) }
  }

  /// What is known of the student for the run's images.
  /// - Throws: `ConfigurationError` for an ONNX file that cannot be read.
  package var studentFacts: NetworkFacts {
    get throws { try student.network.facts(image: data.set.inputShape) }
  }

  /// The shape of a network's activation at a tap.
  private func shape(_ tap: String, of network: NetworkDescription, key: String) throws -> [Int] {
    if let shape = network.shape(of: tap) { return shape }
    let taps = network.taps.keys.sorted()
    let list = taps.isEmpty ? "it gives no activations" : "it has \(taps.joined(separator: ", "))"
    let advice = Spelling.advice(for: tap, among: taps, else: list)
    throw refusal(key, "\(network.name) has no tap '\(tap)'; \(advice)")
  }
}

extension Configuration.Term {
  /// Where its layers are set, or the term itself where they are the method's own.
  fileprivate var layersKey: String { "losses.\(id)" + (method.hasLayersSetting ? ".layers" : "") }
}

extension Method {
  fileprivate var hasLayersSetting: Bool { Self.settings.contains { $0.key == "layers" } }
}

extension Configuration.Images {
  fileprivate func check() throws {
    let (train, test) = (set.imageCount(.train), set.imageCount(.test))
    if heldOutImages >= train {
      throw refusal("data.held_out_images", "\(heldOutImages) of \(set.rawValue)'s \(train) leave none to train on")
    }
    if let trainImages, trainImages > train - heldOutImages {
      let held = heldOutImages > 0 ? " beside \(heldOutImages) held out" : ""
      throw refusal(
        "data.train_images", "\(trainImages)\(held) is more than \(set.rawValue)'s \(train) training images")
    }
    if let testImages, testImages > test {
      throw refusal("data.test_images", "\(testImages) is more than \(set.rawValue)'s \(test) test images")
    }
    if evaluateOn == .heldOut, heldOutImages == 0 {
      throw refusal("data.evaluate_on", "held-out needs images to measure on; set data.held_out_images, such as 5000")
    }
    let side = min(set.imageShape.height, set.imageShape.width)
    if augmentation.cropPadding >= side {
      throw refusal(
        "data.crop_padding", "\(augmentation.cropPadding) could crop nothing but border; stay below \(side)")
    }
  }
}

private func refusal(_ key: String, _ message: String) -> ConfigurationError {
  ConfigurationError(key: key, message: message)
}
