/// What cannot be: settings that are each valid but do not go together. All of it is known before any data is loaded.

import KindredVision

extension Configuration {
  /// Refuses settings that contradict each other, the data set or the networks.
  ///
  /// - Throws: `ConfigurationError` for the first contradiction, with the key that has to change.
  public func check() throws {
    try data.check()
    try checkBatches()
    try checkTeacherIsUsed()
    for (key, loss) in losses.activationTerms { try checkLayers(of: loss, key: "losses.\(key).layers") }
    try training.check()
    guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
      throw refusal("name", "'\(name)' cannot name a run; use letters, digits and dashes")
    }
  }

  /// Refuses a teacher's run that this configuration cannot learn from.
  ///
  /// - Parameter run: the configuration that makes the teacher.
  /// - Throws: `ConfigurationError` with the key that has to change.
  public func check(teacher run: Configuration) throws {
    if let teacher, teacher.network != run.student.network {
      throw refusal("teacher.network", "says \(teacher.network), but the config trains \(run.student.network)")
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
    if losses.crossEntropy == 0, losses.activationTerms.isEmpty, !isKDAlone {
      throw refusal("losses.cross_entropy", "0 leaves nothing to learn from; give it a weight above 0")
    }
  }

  private func checkLayers(of loss: ActivationLoss, key: String) throws {
    guard let teacher else { return }
    guard !key.hasPrefix("losses.hint") || loss.layers.count == 1 else {
      throw refusal(key, "a hint has one layer pair, as in FitNets; keep one")
    }
    for (index, pair) in loss.layers.enumerated() {
      let sides = try side(pair.student, of: student.network, key: key)
      let others = try side(pair.teacher, of: teacher.network, key: key)
      guard !loss.layers[..<index].contains(pair) else {
        throw refusal(key, "\(pair.student) and \(pair.teacher) are paired twice; keep one")
      }
      // The hint's adapter is a convolution: it can shrink the student's map, not enlarge it.
      guard !key.hasPrefix("losses.hint") || sides >= others else {
        throw refusal(
          key,
          "no adapter leads from the student's \(pair.student) (\(sides) high) to the teacher's \(pair.teacher) "
            + "(\(others) high); pair the same stages")
      }
    }
  }

  /// The height of a network's activation at a tap.
  private func side(_ tap: String, of network: Architecture, key: String) throws -> Int {
    let image = data.set.imageShape
    if let shape = network.tapShape(tap, inputHeight: image.height, inputWidth: image.width) { return shape.height }
    let list = "it has \(network.taps.joined(separator: ", "))"
    let advice = Spelling.advice(for: tap, among: network.taps, else: list)
    throw refusal(key, "\(network) has no tap '\(tap)'; \(advice)")
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
    if schedule.warmUpEpochs > 0, schedule.warmUpEpochs >= epochs {
      throw refusal(
        "training.schedule.warm_up_epochs", "\(schedule.warmUpEpochs) of \(epochs) epochs leave none at the full rate")
    }
  }
}

private func refusal(_ key: String, _ message: String) -> ConfigurationError {
  ConfigurationError(key: key, message: message)
}
