// What a recipe cannot be, and what it may say though it does nothing.

import Torch

extension Recipe {
  /// Refuses settings out of their range, and such as are each valid but do not go together.
  /// - Throws: `SettingError` for the first, by the keys of configuration files.
  public func check() throws {
    try Recipe.settings.check(self)
    if case .sgd(let sgd) = optimizer, sgd.nesterov, sgd.momentum == 0 {
      throw SettingError("optimizer.nesterov", "needs a momentum above 0; set momentum, or nesterov to false")
    }
    if case .step(let milestones, _) = schedule.shape, zip(milestones, milestones.dropFirst()).contains(where: >=) {
      throw SettingError("schedule.milestones", "\(milestones) must increase from one to the next")
    }
    if case .cosine(let minimum) = schedule.shape, minimum > optimizer.learningRate {
      throw SettingError(
        "schedule.minimum",
        "\(minimum) is above the learning rate \(optimizer.learningRate), from which a cosine falls to it; use a smaller one"
      )
    }
    if schedule.warmUpEpochs > 0, schedule.warmUpEpochs >= epochs {
      throw SettingError(
        "schedule.warm_up_epochs", "\(schedule.warmUpEpochs) of \(epochs) epochs leave none at the full rate")
    }
  }

  /// Settings that do nothing: allowed, since a long recipe is often tried over few epochs, but worth saying.
  public var warnings: [SettingError] { scheduleWarnings + otherWarnings }

  private var otherWarnings: [SettingError] {
    var warnings: [SettingError] = []
    if optimizer.weightDecayOn != .all, optimizer.weightDecay == 0 {
      warnings.append(
        .init("optimizer.weight_decay_on", "does nothing where weight_decay is 0; set one, or take it out"))
    }
    if ema == 0 {
      warnings.append(
        .init("ema", "0 averages nothing: it is the student itself; use one such as 0.9998, or take it out"))
    }
    if let patience, patience + 1 >= (epochs + evaluateEvery - 1) / evaluateEvery {
      warnings.append(
        .init("patience", "\(patience) is never lost in \(epochs.counted("epoch")); use a smaller one, or take it out"))
    }
    return warnings
  }

  private var scheduleWarnings: [SettingError] {
    switch schedule.shape {
    case .step(let milestones, let factor): return stepWarnings(milestones, factor)
    case .cosine(optimizer.learningRate):
      let rate = optimizer.learningRate
      return [.init("schedule.minimum", "\(rate) is the learning rate itself, which so never falls; use a smaller one")]
    case .cosine, .constant: return []
    }
  }

  private func stepWarnings(_ milestones: [Int], _ factor: Double) -> [SettingError] {
    guard !milestones.isEmpty else {
      let problem = "there are none, so the rate never changes; name some, or write name: constant"
      return [.init("schedule.milestones", problem)]
    }
    // The milestones that nobody wrote fit the epochs as well as a run of one or two epochs lets them.
    let isUsual = milestones == LearningRateSchedule.usualMilestones(epochs: epochs)
    let late = isUsual ? [] : milestones.filter { $0 >= epochs }
    var warnings: [SettingError] = []
    if !late.isEmpty {
      let (list, verb) = (late.map(String.init).joined(separator: ", "), late.count == 1 ? "never comes" : "never come")
      warnings.append(
        .init(
          "schedule.milestones",
          "\(list) \(verb) in a run of \(epochs.counted("epoch")); use smaller ones, or more epochs"))
    }
    if factor == 1 {
      warnings.append(
        .init("schedule.factor", "1 leaves the rate as it is; use one below 1, or write name: constant"))
    }
    return warnings
  }
}

extension Int {
  /// Such as "1 epoch" or "3 epochs".
  fileprivate func counted(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
