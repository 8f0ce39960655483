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
    try checkLabels()
    try checkBatches()
    try checkTeacherIsUsed()
    try checkContentIsRead()
    try checkTeacherNumbers()
    try checkPrecision()
    try checkStudentFile()
    try checkFrozenStages()
    try checkBackbone()
    for term in losses.terms { try checkLayers(of: term) }
    if let network = teacher?.network {
      // How many classes it has is not known before its weights are seen.
      try check(teacher: network.description(classes: data.classCount, image: data.teacherShape))
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
    try checkTeacherNumbers(count: teacher.teachers?.count ?? 1)
    var resolved = self
    try resolved.resolveLayers(teacher: teacher)
    try resolved.checkNamedLogits()
    for term in resolved.losses.terms {
      try checkLayers(of: term)
      let own = teacher.teacher(term.teacher)
      for pair in term.method.layers { _ = try shape(pair.teacher, of: own, key: term.layersKey) }
    }
    if data.classCount == 0, let term = try resolved.comparingLogits(teacher) {
      throw refusal(
        "data.classes", "losses.\(term) compares classes, and nothing says which there are; name them in their order")
    }
    let objective = try resolved.objective(teacher: teacher, Generator(seed: 0))
    for term in objective.terms {
      guard let obstacle = term.statistics.compactMap({ teacher.obstacle(toMeanOf: $0) }).min() else { continue }
      throw refusal("losses.\(term.id)", "\(obstacle); say which it learns from: teacher: 1")
    }
    try resolved.checkLearning(of: objective)
  }

  /// Refuses an exported teacher whose logits are not named, where a loss wants them: that it gives none is not known.
  private func checkNamedLogits() throws {
    guard case .exported(let exported)? = teacher?.source, exported.outputs[Activations.logitsName] == nil,
      let term = losses.terms.first(where: { type(of: $0.method).card.compares == "logits" })
    else { return }
    throw refusal(
      "losses.\(term.id)",
      "needs logits, and teacher.outputs does not say where they lie in \(exported.file.url.lastPathComponent): "
        + "outputs: {logits: 0}, if they come first; kindred inspect lists what it gives")
  }

  /// Refuses a teacher's run that this configuration cannot learn from.
  ///
  /// - Parameter run: the configuration that makes the teacher.
  /// - Throws: `ConfigurationError` with the key that has to change.
  package func check(teacher run: Configuration) throws {
    if let network = teacher?.network, .zoo(network) != run.student.network {
      throw refusal("teacher.network", "says \(network), but the config trains \(run.student.network.name)")
    }
    let (own, other) = (data.teacherShape, run.data.imageShape)
    guard own == other else {
      throw refusal(
        "teacher",
        "it was trained on images of \(shape(other)) (\(run.data.name)), "
          + "but \(data.name) has \(shape(own)); both networks see the same images")
    }
    if run.data.trains(onTestOf: data) {
      throw refusal(
        "data.held_out",
        "the teacher's configuration holds other images out, and would train on what the student is measured on"
      )
    }
    if data.classCount != run.data.classCount, let term = try comparingLogits(run.studentDescription) {
      throw refusal(
        "losses.\(term)",
        "needs a teacher with the student's classes: it has \(run.data.classCount) (\(run.data.name)), "
          + "the student \(data.classCount); use sp, at or hint")
    }
  }

  /// Takes the classes of the teacher's run, where no image says any and a loss compares them.
  /// - Throws: `ConfigurationError` for losses that do not go with the teacher.
  mutating func takeClasses(of run: Configuration) throws {
    guard data.classCount == 0, try comparingLogits(try run.studentDescription) != nil else { return }
    data.classNames = run.data.set?.classNames ?? run.data.classNames
  }

  private func shape(_ size: (channels: Int, height: Int, width: Int)) -> String {
    "\(size.channels) x \(size.height) x \(size.width)"
  }

  /// The images that are left to train on.
  package var trainingImageCount: Int {
    data.trainImages ?? max((data.imageCount(.train) ?? 0) - data.heldOutImages, 0)
  }

  /// Refuses images without a class where something asks for it.
  private func checkLabels() throws {
    guard data.isLabelled(.train) == false else {
      guard data.isLabelled(.test) == false else { return }
      throw refusal(
        "data.test", "has images without a class to measure accuracy by; put them into folders, one a class")
    }
    if losses.crossEntropyWeight > 0 {
      throw refusal(
        "data.train",
        "\(data.name) has images without a class; put them into folders, one a class, train on them beside others "
          + "(data.unlabelled: {folder: ...}), or by the teacher alone (losses.cross_entropy: 0)")
    }
    if data.unlabelled != nil { throw refusal("data.unlabelled", "no image has a class here; take it out") }
    if training.patience != nil, !data.areMeasured {
      throw refusal(
        "training.patience", "no image has a class to measure by; take it out, or give test images that have")
    }
    if let term = losses.terms.first(where: { $0.method.needsLabels }) {
      throw refusal("losses.\(term.id)", "needs the class of every image, and there are none; use sp, kd or at")
    }
    if let (id, _) = losses.uncalibrated.first {
      throw refusal(
        "losses.\(id).weight", "auto measures it beside cross-entropy, and no image has a class; give a number")
    }
  }

  private func checkBatches() throws {
    let (batch, images) = (training.batchSize, trainingImageCount)
    guard data.trainImages != nil || data.imageCount(.train) != nil else { return }
    try checkUnlabelled()
    let own = batch - (unlabelledPart?.perBatch ?? 0)
    guard own <= images else {
      throw refusal(
        "training.batch_size", "a batch of \(own) is more than the \(images) training images; use a smaller one")
    }
    if batch == 1, data.augmentation.mixes {
      throw refusal("training.batch_size", "1 leaves nothing to mix an image with; use more, or no mixup and cutmix")
    }
    for term in losses.terms {
      guard let problem = type(of: term.method).card.loneInput else { continue }
      if batch == 1 {
        throw refusal("training.batch_size", "1 does not go with losses.\(term.id): \(problem); use 2 or more")
      }
      if !training.dropLast, data.unlabelled == nil, images % batch == 1 {
        throw refusal(
          "training.drop_last",
          "\(images) images in batches of \(batch) end with a batch of 1, and for losses.\(term.id) \(problem); "
            + "use true, or another batch size")
      }
    }
  }

  /// Refuses images without a class that are not there, or that a method asks the class of.
  private func checkUnlabelled() throws {
    guard let unlabelled = data.unlabelled else { return }
    if data.privileged != nil {
      throw refusal("data.unlabelled", "the teacher sees other files, and has none for these; take one of them out")
    }
    // What a run wrote down is of use where the images are not.
    if content.isEmpty, let problem = data.unlabelledProblem { throw refusal("data.unlabelled.folder", problem) }
    if unlabelled.folder != nil, unlabelled.images != nil {
      throw refusal("data.unlabelled.images", "counts the set's own images; take it or folder out")
    }
    guard let part = unlabelledPart else {
      if data.unlabelledCount == nil { return }
      throw refusal(
        "data.unlabelled.share", "\(unlabelled.share) of a batch of \(training.batchSize) is none of it, or all of it")
    }
    if let count = data.unlabelledCount, let train = data.imageCount(.train) {
      if count < part.perBatch {
        throw refusal(
          "data.unlabelled", "\(count) images without a class are fewer than the \(part.perBatch) of each batch")
      }
      let left = train - data.heldOutImages - (data.trainImages ?? train)
      if unlabelled.folder == nil, count > left {
        throw refusal("data.unlabelled.images", "\(count) is more than the \(left) training images that are left")
      }
    }
    if let term = losses.terms.first(where: { $0.method.needsLabels && type(of: $0.method).keepsSamples }) {
      throw refusal(
        "losses.\(term.id)", "needs the class of every image, and data.unlabelled has none; use sp, kd or at")
    }
  }

  /// The images without a class, and how many of them are in a batch; nil where there are none, or a batch has no place.
  var unlabelledPart: BatchPlan.Unlabelled? {
    guard let unlabelled = data.unlabelled, let count = data.unlabelledCount else { return nil }
    let perBatch = Int((Double(training.batchSize) * unlabelled.share).rounded())
    guard (1..<max(training.batchSize, 1)).contains(perBatch) else { return nil }
    return .init(count: count, perBatch: perBatch)
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

  /// Refuses a number that no teacher has. How many a recording is of is not known before it is opened.
  private func checkTeacherNumbers() throws {
    if case .recording? = teacher?.source { return }
    try checkTeacherNumbers(count: teacher?.all.count ?? 0)
  }

  private func checkTeacherNumbers(count: Int) throws {
    for term in losses.terms {
      guard let number = term.teacher, number > count || count == 1 else { continue }
      throw refusal(
        "losses.\(term.id).teacher", count == 1 ? "there is one teacher; take it out" : "there are \(count) teachers")
    }
  }

  private func checkPrecision() throws {
    for teacher in teacher?.all ?? [] { try checkPrecision(of: teacher) }
  }

  private func checkPrecision(of teacher: Teacher) throws {
    guard teacher.precision == .int8 else { return }
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
    let (facts, classes) = (try studentFacts, data.classCount)
    let file = source.file.url.displayName
    if student.classifier == .fresh, !facts.hasClassifier {
      throw refusal("student.classifier", "fresh: the logits of \(file) do not come of one linear layer")
    }
    if student.classifier == .loaded, facts.classes != classes, classes > 0 {
      throw refusal(
        "student.onnx",
        "\(file) tells \(facts.classes) classes, and \(data.name) has \(classes); for another classifier say "
          + "student.classifier: fresh")
    }
  }

  /// Refuses stages that are not there, or leave nothing to train.
  private func checkFrozenStages() throws {
    guard !student.freeze.isEmpty else { return }
    let facts = try studentFacts
    for tap in student.freeze where !facts.taps.contains(tap) {
      let list = "it has \(facts.taps.joined(separator: ", "))"
      let advice = Spelling.advice(for: tap, among: facts.taps, else: list)
      throw refusal("student.freeze", "\(student.network.name) has no tap '\(tap)'; \(advice)")
    }
    guard !facts.isFrozenWhole(upTo: student.freeze) else {
      throw refusal("student.freeze", "up to \(student.freeze.joined(separator: ", ")) leaves nothing to train")
    }
  }

  private func checkBackbone() throws {
    guard training.backboneRateFactor != 1, !(try studentFacts.hasClassifier) else { return }
    throw refusal(
      "training.backbone_rate_factor",
      "the logits of \(student.network.name) do not come of one linear layer, so that all of it is backbone; take it out"
    )
  }

  /// Refuses losses at layers that are frozen.
  private func checkLearning(of objective: Objective) throws {
    let frozen = try studentFacts.frozenTaps(upTo: student.freeze)
    for term in objective.terms {
      guard let tap = term.loss.request.taps.sorted().first(where: frozen.contains) else { continue }
      throw refusal(
        "losses.\(term.id)", "compares \(tap), which student.freeze leaves as it is; name later layers, or take it out")
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

  /// A term that compares logits with a teacher's.
  private func comparingLogits(_ teacher: NetworkDescription) throws -> String? {
    var teacher = teacher
    teacher.classes = data.classCount
    let terms = try objective(teacher: teacher, Generator(seed: 0)).terms
    return terms.first { $0.loss.statistics.contains(.logits) && $0.loss.request.logits }?.id
  }

  /// What the student gives, in the words that teachers are described in.
  /// - Throws: `ConfigurationError` for an ONNX file that cannot be read.
  package var studentDescription: NetworkDescription {
    get throws { try studentFacts.description(classes: data.classCount) }
  }

  /// What is known of the student for the run's images.
  /// - Throws: `ConfigurationError` for an ONNX file that cannot be read.
  package var studentFacts: NetworkFacts {
    get throws { try student.network.facts(image: data.inputShape) }
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
    try checkSplit()
    try checkCounts()
    try checkSource()
    let channels = imageShape.channels
    guard [mean.count, deviation.count] == [0, 0] || [mean.count, deviation.count] == [channels, channels] else {
      throw refusal("data.mean", "mean and deviation have a number for each of the \(channels) channels")
    }
    if evaluateOn == .heldOut, heldOutImages == 0 {
      throw refusal("data.evaluate_on", "held-out needs images to measure on; set data.held_out_images, such as 5000")
    }
    try checkViews()
    let side = min(teacherShape.height, teacherShape.width)
    if augmentation.cropPadding >= side {
      throw refusal(
        "data.crop_padding", "\(augmentation.cropPadding) could crop nothing but border; stay below \(side)")
    }
    if augmentation.cropPadding > 0, augmentation.randomResizedCrop != nil {
      throw refusal("data.random_resized_crop", "images are cropped in one way; take it or crop_padding out")
    }
    if strayOperations != nil {
      throw refusal(
        "data.rand_augment_operations", "there is no RandAugment; write rand_augment: 9 beside it, or take it out")
    }
    if let testResize, testResize < side {
      throw refusal(
        "data.test_resize", "\(testResize) leaves a border around the \(side) pixels that are seen; use more")
    }
  }

  private func checkViews() throws {
    for (key, count) in [("channels", channels), ("privileged_channels", privilegedChannels)] where count == 2 {
      throw refusal("data.\(key)", "expected 1 or 3, found 2")
    }
    if privileged == nil, privilegedChannels != nil {
      throw refusal("data.privileged_channels", "there are no privileged images; name them, or take it out")
    }
    if augmentation.cutMix > 0, !isShared {
      throw refusal("data.cutmix", "pastes the same pixels for teacher and student, who see others here; use mixup")
    }
    if augmentation.mixes, unlabelled != nil {
      throw refusal("data.unlabelled", "images without a class would be mixed with others; take one of them out")
    }
    guard let studentView else { return }
    if studentView == StudentView() {
      throw refusal("data.student_view", "takes nothing away; say what, such as {size: 16, grey: true}, or take it out")
    }
    if studentView.crop == 0 { throw refusal("data.student_view.crop", "0 leaves nothing to see; use a share above 0") }
  }

  private func checkCounts() throws {
    // Images that are not there are said to be missing when they are wanted.
    guard let train = imageCount(.train), let test = imageCount(.test) else { return }
    if heldOutImages >= train {
      throw refusal("data.held_out_images", "\(heldOutImages) of \(name)'s \(train) leave none to train on")
    }
    if let trainImages, trainImages > train - heldOutImages {
      let held = heldOutImages > 0 ? " beside \(heldOutImages) held out" : ""
      throw refusal("data.train_images", "\(trainImages)\(held) is more than \(name)'s \(train) training images")
    }
    if let testImages, testImages > test {
      throw refusal("data.test_images", "\(testImages) is more than \(name)'s \(test) test images")
    }
    if evaluateOn == .test, test == 0, isLabelled(.train) == true {
      throw refusal(
        "data.held_out", "no image is left to measure on; name them with test: DIR, or hold a share out, such as 0.2")
    }
  }

  private func checkSplit() throws {
    guard let split, !(1...splitCount).contains(split) else { return }
    if splitCount > 1 { throw refusal("data.split", "expected 1 to \(splitCount), found \(split)") }
    if let set { throw refusal("data.split", "\(set.name) has one split; take it out") }
    throw refusal("data.split", "no share is held out; add held_out: 0.2, or take it out")
  }

  /// Refuses settings that belong to the other kind of images.
  private func checkSource() throws {
    if set == nil {
      if folder != nil { throw refusal("data.folder", "holds sets of the catalogue; write train: DIR for own images") }
      if test != nil, heldOut != nil {
        throw refusal("data.held_out", "there is test to measure on; take one of them out")
      }
      return
    }
    let own: [(String, Bool)] = [
      ("train", train != nil), ("test", test != nil), ("held_out", heldOut != nil),
      ("broken", broken != nil), ("privileged", privileged != nil), ("channels", channels != nil),
      ("classes", !classNames.isEmpty),
    ]
    if let (key, _) = own.first(where: \.1) {
      throw refusal("data.\(key)", "is for images of one's own; write set: \(Self.folderName), or take it out")
    }
  }
}

private func refusal(_ key: String, _ message: String) -> ConfigurationError {
  ConfigurationError(key: key, message: message)
}
