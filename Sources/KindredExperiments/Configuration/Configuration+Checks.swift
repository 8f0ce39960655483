/// What cannot be: settings that are each valid but do not go together. All of it is known before any data is loaded.

import Kindred
import KindredVision

extension Configuration {
  /// Refuses settings that contradict each other, the data set or the networks.
  ///
  /// - Throws: `ConfigurationError` for the first contradiction, with the key that has to change.
  public func check() throws {
    try data.check()
    try checkBatches()
    try checkTeacherIsUsed()
    try checkContentIsRead()
    try checkPrecision()
    for (key, loss) in losses.activationTerms { try checkLayers(of: loss, key: "losses.\(key).layers") }
    if let network = teacher?.network {
      // How many classes it has is not known before its weights are seen.
      try check(teacher: network.description(classes: data.set.classCount, image: data.set.imageShape))
    }
    try training.check()
    guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
      throw refusal("name", "'\(name)' cannot name a run; use letters, digits and dashes")
    }
  }

  /// Refuses a teacher that does not give what the losses compare.
  ///
  /// - Throws: `ConfigurationError` with the key that has to change.
  public func check(teacher: TeacherDescription) throws {
    for (key, loss) in losses.activationTerms {
      for pair in loss.layers { try check(pair, of: key, with: teacher) }
    }
    guard losses.kd != nil, teacher.classes != data.set.classCount else { return }
    guard let classes = teacher.classes else {
      throw refusal("losses.kd", "needs logits, and \(teacher.name) gives none; use sp, at or hint")
    }
    throw refusal(
      "losses.kd",
      "needs a teacher with the student's \(data.set.classCount) classes, but \(teacher.name) has \(classes); "
        + "use sp, at or hint")
  }

  /// Refuses a teacher's run that this configuration cannot learn from.
  ///
  /// - Parameter run: the configuration that makes the teacher.
  /// - Throws: `ConfigurationError` with the key that has to change.
  public func check(teacher run: Configuration) throws {
    if let network = teacher?.network, network != run.student.network {
      throw refusal("teacher.network", "says \(network), but the config trains \(run.student.network)")
    }
    let (own, other) = (data.set.imageShape, run.data.set.imageShape)
    guard own == other else {
      throw refusal(
        "teacher",
        "it was trained on images of \(shape(other)) (\(run.data.set.rawValue)), "
          + "but \(data.set.rawValue) has \(shape(own)); both networks see the same images")
    }
    if losses.kd != nil, data.set.classCount != run.data.set.classCount {
      throw refusal(
        "losses.kd",
        "needs a teacher with the student's classes: it has \(run.data.set.classCount) (\(run.data.set.rawValue)), "
          + "the student \(data.set.classCount); use sp, at or hint")
    }
  }

  private func shape(_ size: (channels: Int, height: Int, width: Int)) -> String {
    "\(size.channels) x \(size.height) x \(size.width)"
  }

  /// The images that are left to train on.
  public var trainingImageCount: Int {
    data.trainImages ?? data.set.imageCount(.train) - data.heldOutImages
  }

  private func checkBatches() throws {
    let (batch, images) = (training.batchSize, trainingImageCount)
    guard batch <= images else {
      throw refusal(
        "training.batch_size", "a batch of \(batch) is more than the \(images) training images; use a smaller one")
    }
    guard losses.sp != nil else { return }
    if batch == 1 {
      throw refusal("training.batch_size", "1 does not go with losses.sp: one row has no similarities; use 2 or more")
    }
    if !training.dropLast, images % batch == 1 {
      throw refusal(
        "training.drop_last",
        "\(images) images in batches of \(batch) end with a batch of 1, and for losses.sp one row has no "
          + "similarities; use true, or another batch size")
    }
  }

  private func checkTeacherIsUsed() throws {
    if teacher != nil, !losses.needTeacher {
      throw refusal("teacher", "no loss asks anything of it; add sp, kd, at or hint to losses, or take it out")
    }
    if teacher == nil, losses.needTeacher {
      let key = losses.activationTerms.first?.key ?? "kd"
      throw refusal("losses.\(key)", "needs a teacher; add teacher: {config: teacher.yaml}, or take the loss out")
    }
    let isKDAlone = losses.kd.map { $0.alpha > 0 } ?? false
    let isIdle = losses.activationTerms.allSatisfy { $0.loss.weight == .fixed(0) }
    if losses.crossEntropy == 0, isIdle, !isKDAlone {
      throw refusal("losses.cross_entropy", "0 leaves nothing to learn from; give it a weight above 0")
    }
  }

  /// What a run does not read cannot be held against anything.
  private func checkContentIsRead() throws {
    let unread: [Input] = (teacher == nil ? [.teacher, .recording] : []) + (student.weights == nil ? [.start] : [])
    if let input = unread.first(where: { content[$0] != nil }) {
      throw refusal("content.\(input.rawValue)", "there is no such thing in this run; take it out")
    }
  }

  private func checkPrecision() throws {
    guard let teacher, teacher.precision == .int8 else { return }
    guard teacher.network != nil else {
      throw refusal("teacher.precision", "int8 is for Kindred's own networks; take it out")
    }
    guard training.device == .cpu else {
      throw refusal("teacher.precision", "int8 runs on the CPU only; use float32 on \(training.device.rawValue)")
    }
  }

  /// What can be said of a loss's layers without the teacher.
  private func checkLayers(of loss: ActivationLoss, key: String) throws {
    guard !key.hasPrefix("losses.hint") || loss.layers.count == 1 else {
      throw refusal(key, "a hint has one layer pair, as in FitNets; keep one")
    }
    for (index, pair) in loss.layers.enumerated() {
      _ = try shape(pair.student, of: studentDescription, key: key)
      guard !loss.layers[..<index].contains(pair) else {
        throw refusal(key, "\(pair.student) and \(pair.teacher) are paired twice; keep one")
      }
    }
  }

  private func check(_ pair: LayerPair, of loss: String, with teacher: TeacherDescription) throws {
    let key = "losses.\(loss).layers"
    let own = try shape(pair.student, of: studentDescription, key: key)
    let other = try shape(pair.teacher, of: teacher, key: key)
    guard loss != "sp" else { return }
    guard other.count == 3, other[1] == other[2] else {
      throw refusal(
        key,
        "\(loss) compares square maps, but the teacher's \(pair.teacher) has shape \(other); use sp, or another output")
    }
    // The hint's adapter is a convolution: it can shrink the student's map, not enlarge it.
    guard loss != "hint" || own[1] >= other[1] else {
      throw refusal(
        key,
        "no adapter leads from the student's \(pair.student) (\(own[1]) high) to the teacher's \(pair.teacher) "
          + "(\(other[1]) high); pair the same stages")
    }
  }

  /// What the student gives, in the words that teachers are described in.
  var studentDescription: TeacherDescription {
    student.network.description(classes: data.set.classCount, image: data.set.imageShape)
  }

  /// The shape of a network's activation at a tap.
  private func shape(_ tap: String, of network: TeacherDescription, key: String) throws -> [Int] {
    if let shape = network.taps[tap] { return shape }
    let taps = network.taps.keys.sorted()
    let list = taps.isEmpty ? "it gives no activations" : "it has \(taps.joined(separator: ", "))"
    let advice = Spelling.advice(for: tap, among: taps, else: list)
    throw refusal(key, "\(network.name) has no tap '\(tap)'; \(advice)")
  }
}

extension Architecture {
  /// What the network gives for images of a shape.
  public func description(
    classes: Int?, image: (channels: Int, height: Int, width: Int)
  ) -> TeacherDescription {
    let shapes = taps.map { tap in
      let shape = tapShape(tap, inputHeight: image.height, inputWidth: image.width)
      return (tap, shape.map { [$0.channels, $0.height, $0.width] } ?? [])
    }
    return TeacherDescription(name: name, classes: classes, taps: Dictionary(uniqueKeysWithValues: shapes))
  }
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

extension Configuration.Training {
  fileprivate func check() throws {
    if case .sgd(let sgd) = optimizer, sgd.nesterov, sgd.momentum == 0 {
      throw refusal("training.optimizer.nesterov", "needs a momentum above 0; set momentum, or nesterov to false")
    }
    if case .step(let milestones, _) = schedule.shape, zip(milestones, milestones.dropFirst()).contains(where: >=) {
      throw refusal("training.schedule.milestones", "\(milestones) must increase from one to the next")
    }
    if case .cosine(let minimum) = schedule.shape, minimum > baseLearningRate {
      throw refusal(
        "training.schedule.minimum",
        "\(minimum) is above the learning rate \(baseLearningRate), from which a cosine falls to it; use a smaller one")
    }
    if schedule.warmUpEpochs > 0, schedule.warmUpEpochs >= epochs {
      throw refusal(
        "training.schedule.warm_up_epochs", "\(schedule.warmUpEpochs) of \(epochs) epochs leave none at the full rate")
    }
  }
}

private func refusal(_ key: String, _ message: String) -> ConfigurationError {
  ConfigurationError(key: key, message: message)
}
