// Settings that do nothing are allowed, and named.

import KindredExperiments
import TestSupport
import Testing

@Suite struct ConfigurationWarningTests {
  @Test(arguments: [
    (
      "training: {epochs: 2, schedule: {milestones: [1, 2, 60]}}",
      ["training.schedule.milestones: 2, 60 never come in a run of 2 epochs; use smaller ones, or more epochs"]
    ),
    (
      "training: {epochs: 60, schedule: {milestones: [60], factor: 1}}",
      [
        "training.schedule.milestones: 60 never comes in a run of 60 epochs; use smaller ones, or more epochs",
        "training.schedule.factor: 1 leaves the rate as it is; use one below 1, or write name: constant",
      ]
    ),
    (
      "training: {schedule: {milestones: []}}",
      [
        "training.schedule.milestones: there are none, so the rate never changes; name some, or write name: constant"
      ]
    ),
    (
      "training: {schedule: {name: cosine, minimum: 0.1}}",
      ["training.schedule.minimum: 0.1 is the learning rate itself, which so never falls; use a smaller one"]
    ),
    ("training: {schedule: {name: cosine, minimum: 0.01}}", []), ("training: {schedule: {name: constant}}", []),
    (
      "training: {epochs: 6, evaluate_every: 2, patience: 2}",
      ["training.patience: 2 is never lost in 6 epochs; use a smaller one, or take it out"]
    ),
    ("training: {epochs: 6, evaluate_every: 2, patience: 1}", []),
    (
      "training: {ema: 0, optimizer: {weight_decay: 0, weight_decay_on: weights}}",
      [
        "training.optimizer.weight_decay_on: does nothing where weight_decay is 0; set one, or take it out",
        "training.ema: 0 averages nothing: it is the student itself; use one such as 0.9998, or take it out",
      ]
    ),
    (
      "training: {accumulate: 400}",
      [
        "training.accumulate: an epoch has 390 batches and makes one step; use 400 or more batches, or a smaller number"
      ]
    ),
    (
      "student: {freeze: stem}",
      ["student.freeze: what is frozen was drawn at random; give weights to start from, or take it out"]
    ),
    (
      "training: {epochs: 5}\nlosses: {dkd: {}, sp: {warm_up_epochs: 6}}",
      ["losses.sp.warm_up_epochs: 6 are more than the run has; its weight is never reached"]
    ),
    ("training: {schedule: {milestones: [199]}}", []), ("training: {epochs: 1}", []), ("training: {epochs: 2}", []),
    ("losses: {sp: {}}", []), ("losses: {sp: {weight: auto, fraction: 0.1}, kd: {alpha: 1}}", []),
    (
      "losses: {sp: {weight: 0}, at: {weight: 1}, hint: {weight: 0.0}, kd: {alpha: 0}}",
      ["sp.weight", "kd.alpha", "hint.weight"].map {
        "losses.\($0): 0 switches the term off; give it a weight, or take the term out"
      }
    ),
    (
      "teacher: {int8: {checked_images: 50}}\nlosses: {sp: {}}",
      ["teacher.int8: does nothing in float32; write precision: int8, or take the section out"]
    ),
    (
      "losses: {cross_entropy: 0, label_smoothing: 0.1, sp: {}}",
      ["losses.label_smoothing: does nothing where cross_entropy weighs 0; give it a weight, or take this out"]
    ),
    (
      "data: {mixup: 0.2, cutmix: 1}\nlosses: {sp: {}, kd: {}, crd: {}, dkd: {}, nkd: {}}",
      ["data.mixup: dkd, nkd, crd take the class of a mixed image's larger part for its only one"]
    ),
    (
      "data: {cutmix: 1}\nlosses: {kd: {weighted: true}}",
      ["data.cutmix: kd takes the class of a mixed image's larger part for its only one"]
    ),
    ("data: {cutmix: 1}\nlosses: {kd: {}, rkd: {}}", []), ("data: {cutmix: 0}\nlosses: {dkd: {}}", []),
    ("teacher: {precision: int8, int8: {checked_images: 50}}\nlosses: {sp: {}}", []),
  ])
  func whatDoesNothingIsNamed(section: String, warnings: [String]) throws {
    let base = section.contains("losses") ? distilling : smallest
    let folder = try TestFolder(["base.yaml": base, "run.yaml": "extends: base.yaml\n" + section])
    #expect(try folder.load().warnings == warnings)
  }
}
