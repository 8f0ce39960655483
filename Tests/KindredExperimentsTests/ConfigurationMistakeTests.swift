/// Every mistake is one line that names the place, the key and what would be right. The lines are compared whole.

import Foundation
import KindredExperiments
import TestSupport
import Testing

@Suite struct ConfigurationMistakeTests {
  /// A section or two of a file after the two required lines, and the message without the file's name.
  @Test(arguments: [
    ("training: {epocs: 3}", "3: training.epocs: unknown key; did you mean 'epochs'?"),
    (
      "training:\n  optimizer:\n    momentun: 0.9",
      "5: training.optimizer.momentun: unknown key; did you mean 'momentum'?"
    ),
    (
      "training: {schedule: {name: cosine, milestones: [3]}}",
      "3: training.schedule.milestones: unknown key; the keys here are name, minimum, warm_up_epochs"
    ),
    ("trainig: {}", "3: trainig: unknown key; did you mean 'training'?"),
    ("training:\n  epochs: many", "4: training.epochs: expected a whole number, found 'many'"),
    ("training: {epochs: 1.5}", "3: training.epochs: expected a whole number, found '1.5'"),
    ("training: {epochs: '20'}", "3: training.epochs: expected a whole number, found the quoted text '20'"),
    ("training: {epochs: 0}", "3: training.epochs: expected a whole number from 1 to 1000000, found '0'"),
    (
      "training: {epochs: 99999999999999999999}",
      "3: training.epochs: expected a whole number, found '99999999999999999999'"
    ),
    ("training: {evaluate_every: -1}", "3: training.evaluate_every: expected a whole number of at least 1, found '-1'"),
    ("training: {seed: -1}", "3: training.seed: expected a whole number of at least 0, found '-1'"),
    (
      "training: {seed: 18446744073709551616}",
      "3: training.seed: expected a whole number from 0 to 18446744073709551615, found '18446744073709551616'"
    ),
    ("training: {plan_seed: 1.5}", "3: training.plan_seed: expected a whole number, found '1.5'"),
    ("training: {drop_last: yes}", "3: training.drop_last: expected true or false, found 'yes'"),
    ("training: {drop_last: 1}", "3: training.drop_last: expected true or false, found '1'"),
    ("training: {device: gpu}", "3: training.device: expected cpu or cuda, found 'gpu'; did you mean 'cpu'?"),
    (
      "training: {precision: float16}",
      "3: training.precision: expected float32 or bfloat16, found 'float16'; did you mean 'bfloat16'?"
    ),
    ("training: {device: tpux}", "3: training.device: expected cpu or cuda, found 'tpux'; did you mean 'cpu'?"),
    ("training: 3", "3: training: expected a section of keys, found '3'"),
    ("training: [a]", "3: training: expected a section of keys, found a list"),
    ("losses: {sp: }", "3: losses.sp: expected a section of keys; write {} for its defaults, or take the key out"),
    (
      "training: {optimizer: {name: adam}}",
      "3: training.optimizer.name: expected sgd or adamw, found 'adam'; did you mean 'adamw'?"
    ),
    (
      "training: {optimizer: {learning_rate: .nan}}",
      "3: training.optimizer.learning_rate: expected a number, found '.nan'"
    ),
    (
      "training: {optimizer: {learning_rate: 0}}",
      "3: training.optimizer.learning_rate: expected a number above 0, found '0'"
    ),
    (
      "training: {optimizer: {momentum: 1}}",
      "3: training.optimizer.momentum: expected a number from 0 to below 1, found '1'"
    ),
    (
      "training: {optimizer: {momentum: 0}}",
      "3: training.optimizer.nesterov: needs a momentum above 0; set momentum, or nesterov to false"
    ),
    ("training: {clip_gradients: 0}", "3: training.clip_gradients: expected a number above 0, found '0'"),
    ("training: {ema: 1}", "3: training.ema: expected a number from 0 to below 1, found '1'"),
    ("training: {accumulate: 0}", "3: training.accumulate: expected a whole number from 1 to 1000000, found '0'"),
    ("training: {patience: 0}", "3: training.patience: expected a whole number of at least 1, found '0'"),
    (
      "training: {optimizer: {weight_decay_on: weight}}",
      "3: training.optimizer.weight_decay_on: expected all or weights, found 'weight'; did you mean 'weights'?"
    ),
    (
      "training: {schedule: {milestones: 3}}",
      "3: training.schedule.milestones: expected a list of whole numbers, found '3'"
    ),
    (
      "training:\n  schedule:\n    milestones: [60, 60]",
      "5: training.schedule.milestones: [60, 60] must increase from one to the next"
    ),
    (
      "training: {epochs: 5, schedule: {warm_up_epochs: 5}}",
      "3: training.schedule.warm_up_epochs: 5 of 5 epochs leave none at the full rate"
    ),
    (
      "training: {schedule: {name: cosine, minimum: 0.2}}",
      "3: training.schedule.minimum: 0.2 is above the learning rate 0.1, from which a cosine falls to it; "
        + "use a smaller one"
    ),
    (
      "training: {batch_size: 50001}",
      "3: training.batch_size: a batch of 50001 is more than the 50000 training images; use a smaller one"
    ),
    ("losses: {kd: {}}", "3: losses.kd: needs a teacher; add teacher: {config: teacher.yaml}, or take the loss out"),
    ("losses: {at: {}}", "3: losses.at: needs a teacher; add teacher: {config: teacher.yaml}, or take the loss out"),
    (
      "losses: {cross_entropy: 0}",
      "3: losses.cross_entropy: 0 leaves nothing to learn from; give it a weight above 0"
    ),
    ("name: [a]", "3: name: expected a word, found a list"),
    ("name: a/b", "3: name: 'a/b' cannot name a run; use letters, digits and dashes"),
    ("? [a]\n: 3", "3: a key must be a single word"),
    (
      "training:\n  epochs: |\n    a\n    b",
      "4: training.epochs: expected a whole number, found the quoted text 'a\\nb'"
    ),
    ("<<: 3", "3: '<<' merges sections of keys; name one, such as *base, or a list of them"),
    ("'<<': {name: a}", "3: <<: unknown key; the keys here are name, data, student, teacher, losses, training"),
    ("name: a\nname: b", "3: 'name': the key is given twice; keep one"),
    ("content: {teacher: x}", "3: content.teacher: there is no such thing in this run; take it out"),
    ("training: [1, 2", "4: not valid YAML: while parsing a flow sequence: did not find expected ',' or ']'"),
    ("name: *other", "3: not valid YAML: found undefined alias"),
    ("name: a\u{7}b", "3: not valid YAML: control characters are not allowed"),
    ("--- {}", "3: not valid YAML: expected a single document in the stream: but found another document"),
  ])
  func oneLine(section: String, message: String) throws {
    let folder = try TestFolder(["run.yaml": smallest + section])
    #expect(folder.mistake() == "run.yaml:" + message)
  }

  @Test(arguments: [
    ("[stage4]", "student.freeze: wrn-16-1 has no tap 'stage4'; did you mean 'stage3'?"),
    ("[[stem]]", "student.freeze: expected a list of names, found a list"),
    ("[logits]", "student.freeze: wrn-16-1 has no tap 'logits'; it has "),
  ])
  func whatCannotBeFrozen(stages: String, message: String) throws {
    let folder = try TestFolder([
      "run.yaml": "data: {set: cifar-10}\nstudent: {network: wrn-16-1, weights: w, freeze: \(stages)}\n"
    ])
    #expect(folder.mistake()?.hasPrefix("run.yaml:2: " + message) == true, "\(folder.mistake() ?? "")")
  }

  /// What a loss compares has to be able to change.
  @Test func lossesAtFrozenStagesAreRefused() throws {
    let folder = try TestFolder([
      "run.yaml": distilling.replacing("wrn-16-1}", with: "wrn-16-1, weights: w, freeze: stage1}")
        + "losses: {at: {}}\n"
    ])
    #expect(
      folder.mistake()
        == "run.yaml:4: losses.at: compares stage1, which student.freeze leaves as it is; name later layers, or take it "
        + "out")
    #expect(folder.mistake("run.yaml", "losses.at.layers=[stage2, stage3]") == nil)
    #expect(
      folder.mistake("run.yaml", "losses={rkd: {}}", "student.freeze=pooled")?.contains("compares pooled") == true)
  }

  /// Losses after the three lines of a configuration with a teacher.
  @Test(arguments: [
    ("losses: {sp: {weight: heavy}}", "losses.sp.weight: expected a number, found 'heavy'"),
    ("losses: {sp: {weight: -1}}", "losses.sp.weight: expected a number of at least 0, found '-1'"),
    (
      "losses: {sp: {weight: 0.0, fraction: 0.5}}",
      "losses.sp.weight: 0 is no weight that calibration finds: the run that wrote it was trained without this term; "
        + "write auto"
    ),
    (
      "losses: {cross_entropy: 0, sp: {weight: 0}}",
      "losses.cross_entropy: 0 leaves nothing to learn from; give it a weight above 0"
    ),
    ("losses: {sp: {fraction: 0}}", "losses.sp.fraction: expected a number above 0, found '0'"),
    ("losses: {sp: {layers: [stage4]}}", "losses.sp.layers: wrn-16-1 has no tap 'stage4'; did you mean 'stage3'?"),
    (
      "losses: {sp: {layers: [{student: stage3, teacher: layer}]}}",
      "losses.sp.layers: wrn-16-2 has no tap 'layer'; it has last, pooled, stage1, stage1.pre, stage2, stage2.pre, "
        + "stage3, stage3.pre, stem"
    ),
    ("losses: {sp: {layers: []}}", "losses.sp.layers: the list is empty; name a tap, or take the loss out"),
    (
      "losses: {sp: {layers: [[stage3]]}}",
      "losses.sp.layers: expected taps such as stage3, found a list in the list"
    ),
    ("losses: {sp: {layers: [{student: stage3}]}}", "losses.sp.layers.teacher: missing; name the teacher's tap"),
    (
      "losses: {sp: {layers: [{student: stage3, techer: stage3}]}}",
      "losses.sp.layers.techer: unknown key; did you mean 'teacher'?"
    ),
    ("losses: {sp: {layers: [stage3, stage3]}}", "losses.sp.layers: stage3 and stage3 are paired twice; keep one"),
    (
      "losses: {hint: {layers: [{student: stage3, teacher: stage1}]}}",
      "losses.hint.layers: no adapter leads from the student's stage3 (8 high) to the teacher's stage1 (32 high); "
        + "pair the same stages"
    ),
    (
      "losses: {hint: {layers: [stage1, stage2]}}",
      "losses.hint.layers: a hint has one layer pair, as in FitNets; keep one"
    ),
    ("losses: {kd: {alpha: 1.5}}", "losses.kd.alpha: expected a number from 0 to 1, found '1.5'"),
    ("losses: {kd: {temperature: 0}}", "losses.kd.temperature: expected a number above 0, found '0'"),
    ("losses: {kd: 4}", "losses.kd: expected a section of keys, found '4'"),
    ("losses: {pkd: {}}", "losses.pkd: unknown key; did you mean 'kd'?"),
  ])
  func oneLineAboutLosses(section: String, message: String) throws {
    let folder = try TestFolder(["run.yaml": distilling + section])
    #expect(folder.mistake() == "run.yaml:4: " + message)
  }

  @Test func batchesOfOneRowHaveNoSimilarities() throws {
    let folder = try TestFolder(["run.yaml": distilling + "losses: {sp: {}}\ntraining: {batch_size: 1}"])
    #expect(
      folder.mistake() == "run.yaml:5: training.batch_size: 1 does not go with losses.sp: one row has no similarities; "
        + "use 2 or more")
    #expect(folder.mistake("run.yaml", "losses={kd: {}}") == nil)
    let odd = ["training.batch_size=128", "data.train_images=129", "training.drop_last=false"]
    #expect(
      folder.mistake("run.yaml", odd[0], odd[1], odd[2]) == "--set training.drop_last=false: training.drop_last: "
        + "129 images in batches of 128 end with a batch of 1, and for losses.sp one row has no similarities; "
        + "use true, or another batch size")
    #expect(folder.mistake("run.yaml", odd[0], odd[1]) == nil)
  }

  @Test(arguments: [
    ("train_images: 50001", "train_images: 50001 is more than cifar-10's 50000 training images"),
    (
      "train_images: 46000, held_out_images: 5000",
      "train_images: 46000 beside 5000 held out is more than cifar-10's 50000 training images"
    ),
    ("held_out_images: 50000", "held_out_images: 50000 of cifar-10's 50000 leave none to train on"),
    ("test_images: 10001", "test_images: 10001 is more than cifar-10's 10000 test images"),
    ("test_images: none", "test_images: expected a whole number, found 'none'"),
    (
      "evaluate_on: held-out",
      "evaluate_on: held-out needs images to measure on; set data.held_out_images, such as 5000"
    ),
    ("evaluate_on: heldout", "evaluate_on: expected test or held-out, found 'heldout'; did you mean 'held-out'?"),
    ("crop_padding: 1000", "crop_padding: expected a whole number from 0 to 127, found '1000'"),
    ("crop_padding: 32", "crop_padding: 32 could crop nothing but border; stay below 32"),
    ("rand_augment: 31", "rand_augment: expected a whole number from 0 to 30, found '31'"),
    (
      "rand_augment_operations: 2",
      "rand_augment_operations: there is no RandAugment; write rand_augment: 9 beside it, or take it out"
    ),
    ("random_erasing: 25", "random_erasing: expected a number from 0 to 1, found '25'"),
    ("mixup: -1", "mixup: expected a number of at least 0, found '-1'"),
    ("folder: ''", "folder: expected a path, found nothing between the quotes"),
    ("split: 2", "split: cifar-10 has one split; take it out"),
    ("with_validation: true", "with_validation: is for cinic-10, and the set is cifar-10; take it out"),
    ("split: 0", "split: expected a whole number from 1 to 1000, found '0'"),
  ])
  func oneLineAboutData(keys: String, message: String) throws {
    let text = smallest.replacing("set: cifar-10", with: "set: cifar-10, \(keys)")
    #expect(try TestFolder(["run.yaml": text]).mistake() == "run.yaml:1: data." + message)
  }

  @Test(arguments: [
    ("student: {network: resnet-8}", "run.yaml:1: data: missing; write data: {set: cifar-10}, or another set"),
    ("data: {set: mnist}", "run.yaml:1: student: missing; write student: {network: wrn-16-1}"),
    ("data: {set: mnist}\nstuden: {network: resnet-8}", "run.yaml:2: studen: unknown key; did you mean 'student'?"),
    (
      "data: {st: mnist}\nstudent: {network: resnet-8}", "run.yaml:1: data.st: unknown key; did you mean 'set'?"
    ),
    (
      "data: {set: cifar10}\nstudent: {network: resnet-8}",
      "run.yaml:1: data.set: expected cifar-10, cifar-100, mnist, fashion-mnist, svhn, stl-10, tiny-imagenet, dtd, "
        + "cinic-10, textures or folder, found 'cifar10'; did you mean 'cifar-10'?"
    ),
    (
      "data: {set: mnist}\nstudent:\n  network: wrn-17-1",
      "run.yaml:3: student.network: no network is called 'wrn-17-1'; did you mean 'wrn-16-1'?"
    ),
    (
      "data: {set: mnist}\nstudent: {network: efficientnet}",
      "run.yaml:2: student.network: no network is called 'efficientnet'; names are wrn-DEPTH-WIDTH (depth 10, 16, 22 "
        + "... 100; width 1 to 20), resnet-20, resnet-8x4 and the like"
    ),
    ("", "run.yaml: the file is empty; it needs at least data and student"),
    ("# nothing\n", "run.yaml: the file is empty; it needs at least data and student"),
    ("just words", "run.yaml:1: expected a section of keys, found 'just words'"),
    ("- a\n- b", "run.yaml:1: expected a section of keys, found a list"),
  ])
  func oneLineAboutAWholeFile(text: String, message: String) throws {
    #expect(try TestFolder(["run.yaml": text]).mistake() == message)
  }
}

extension ConfigurationMistakeTests {
  /// Ten lines of aliases that stand for 10^9 values.
  @Test func aliasesOfAliasesAreBounded() throws {
    let lists = (1...9).map { level in
      "l\(level): &l\(level) [" + Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ") + "]"
    }
    let text = (["l0: &l0 [a]"] + lists).joined(separator: "\n")
    #expect(try TestFolder(["run.yaml": text]).mistake()?.contains("more than 10000 values") == true)
    // As a key, which the parser would compare with the others value by value.
    let key = try TestFolder(["run.yaml": text + "\n? *l9\n: a\n"]).mistake()
    #expect(key?.contains("more than 40 aliases") == true, "\(key ?? "")")
  }

  /// Few enough to be let through, yet enough to stand for more than there may be.
  @Test func fewAliasesOfAliasesAreBoundedByWhatTheyStandFor() throws {
    let lists = (1...9).map { "l\($0): &l\($0) [*l\($0 - 1), *l\($0 - 1), *l\($0 - 1), *l\($0 - 1)]" }
    let text = (["# ***" + String(repeating: "*", count: 100), "l0: &l0 [a]"] + lists).joined(separator: "\n")
    let mistake = try TestFolder(["run.yaml": text]).mistake()
    #expect(mistake?.hasSuffix("more than 10000 values; use fewer") == true, "\(mistake ?? "")")
    #expect(mistake?.contains("aliases") == false)
  }
}

// MARK: - Teachers, files and overrides

extension ConfigurationMistakeTests {
  @Test(arguments: [
    (
      "teacher: {network: wrn-16-2}",
      "teacher.weights: missing; give weights, or the config of the run that makes them"
    ),
    ("teacher: {weights: t}", "teacher.network: missing; weights do not say which network they belong to"),
    (
      "teacher: {network: wrn-16-2, weights: t, config: t.yaml}",
      "teacher.config: a teacher comes from one place, and there is weights too; take one out"
    ),
    (
      "teacher: {network: wrn-16-2, weights: t}",
      "teacher: no loss asks anything of it; add sp, kd, at or hint to losses, or take it out"
    ),
    ("teacher: {config: t.yaml}", "teacher.config: there is no file t.yaml"),
    (
      "teacher: {recording: r, config: t.yaml}",
      "teacher.recording: a teacher comes from one place, and there is config too; take one out"
    ),
    (
      "teacher: {recording: r, network: wrn-16-2}",
      "teacher.network: the recording or file says itself what it holds; take it out"
    ),
    (
      "teacher: {network: wrn-16-2, weights: t, outputs: {logits: 0}}",
      "teacher.outputs: only a file named by exported has outputs to name; take it out"
    ),
    (
      "teacher: {exported: t.pt}",
      "teacher.outputs: missing; say where things lie in its result, such as {logits: 0, stage3: 1}"
    ),
    (
      "teacher: {network: wrn-16-2, weights: t, precision: int4}",
      "teacher.precision: expected float32 or int8, found 'int4'; did you mean 'int8'?"
    ),
    (
      "teacher: {network: wrn-16-2, weights: t, int8: {calibration_batch: 3}}",
      "teacher.int8.calibration_batch: unknown key; did you mean 'calibration_batches'?"
    ),
    (
      "teacher: {recording: r, precision: int8}\nlosses: {sp: {}}",
      "teacher.precision: int8 is for networks of the zoo and ONNX files; take it out"
    ),
    (
      "teacher: {network: wrn-16-2, weights: t, precision: int8}\nlosses: {sp: {}}\ntraining: {device: cuda}",
      "teacher.precision: int8 runs on the CPU only; use float32 on cuda"
    ),
    ("teacher: {config: .}", "teacher.config:  is a folder; name a YAML file in it"),
  ])
  func oneLineAboutTheTeacher(section: String, message: String) throws {
    let folder = try TestFolder(["run.yaml": smallest + section])
    let mistake = folder.mistake()?.replacing(folder.url.standardizedFileURL.path(percentEncoded: false), with: "")
    #expect(mistake == "run.yaml:3: " + message)
  }

  @Test func aTeacherThatDoesNotFitIsRefused() throws {
    let folder = try TestFolder([
      "digits.yaml": "data: {set: mnist}\nstudent: {network: wrn-16-2}",
      "hundred.yaml": "data: {set: cifar-100}\nstudent: {network: wrn-16-2}",
      "broken.yaml": "data: {set: mnist}\nstudent: {netwrk: wrn-16-2}",
      "run.yaml": smallest + "teacher: {config: digits.yaml}\nlosses: {sp: {}}",
    ])
    #expect(
      folder.mistake() == "run.yaml:3: teacher: it was trained on images of 1 x 28 x 28 (mnist), but cifar-10 has "
        + "3 x 32 x 32; both networks see the same images")
    try folder.write(smallest + "teacher: {config: hundred.yaml}\nlosses: {sp: {}}", to: "run.yaml")
    #expect(folder.mistake() == nil)
    try folder.write(smallest + "teacher: {config: hundred.yaml}\nlosses: {kd: {}}", to: "run.yaml")
    #expect(
      folder.mistake() == "run.yaml:4: losses.kd: needs a teacher with the student's classes: it has 100 (cifar-100), "
        + "the student 10; use sp, at or hint")
    try folder.write(smallest + "teacher: {config: broken.yaml}\nlosses: {kd: {}}", to: "run.yaml")
    #expect(folder.mistake() == "broken.yaml:2: student.netwrk: unknown key; did you mean 'network'?")
  }

  @Test func circlesAreNoticed() throws {
    let folder = try TestFolder([
      "a.yaml": "extends: b.yaml", "b.yaml": "extends: a.yaml",
      "self.yaml": smallest + "teacher: {config: self.yaml}\nlosses: {sp: {}}",
    ])
    #expect(folder.mistake("a.yaml") == "a.yaml: the file leads back to itself; break the circle")
    #expect(folder.mistake("self.yaml") == "self.yaml: the file leads back to itself; break the circle")
  }

  @Test func filesThatAreNoConfigurations() throws {
    let folder = try TestFolder([
      "sub/x.yaml": "", "run.yaml": "extends: missing.yaml", "big.yaml": String(repeating: "#", count: 1 << 20),
    ])
    #expect(folder.mistake("none.yaml") == "there is no file none.yaml")
    #expect(folder.mistake("sub") == "sub is a folder; name a YAML file in it")
    #expect(folder.mistake("run.yaml") == "run.yaml:1: extends: there is no file missing.yaml")
    #expect(folder.mistake("big.yaml") == "big.yaml: not a configuration: expected a page of YAML in UTF-8")
    try Data([0x6e, 0xff, 0xfe]).write(to: folder.url.appending(path: "bytes.yaml"))
    #expect(folder.mistake("bytes.yaml") == "bytes.yaml: not a configuration: expected a page of YAML in UTF-8")
    try Data([0x1F, 0x8B, 8, 0]).write(to: folder.url.appending(path: "zipped.yaml"))
    #expect(
      folder.mistake("zipped.yaml") == "zipped.yaml: not a configuration but a gzip file: expected a page of YAML in "
        + "UTF-8; unpack it first")
    try folder.write("<html><body>", to: "page.yaml")
    #expect(folder.mistake("page.yaml")?.hasPrefix("page.yaml: not a configuration but a web page (HTML): ") == true)
    try folder.write(String(repeating: "[", count: 200_000), to: "deep.yaml")
    #expect(folder.mistake("deep.yaml")?.hasPrefix("deep.yaml:") == true)
  }

  @Test(arguments: [
    ("training.epocs=20", "training.epocs: unknown key; did you mean 'epochs'?"),
    ("training.epochs=many", "training.epochs: expected a whole number, found 'many'"),
    ("traning.epochs=2", "traning: unknown key; did you mean 'training'?"),
    ("training.epochs.x=2", "training.epochs: expected a whole number, found a section of keys"),
    ("losses.spp=null", "losses.spp: unknown key; did you mean 'sp'?"),
    ("training.epochs", "expected KEY=VALUE, such as training.epochs=20"),
    ("=3", "expected KEY=VALUE, such as training.epochs=20"),
    ("training..epochs=3", "expected KEY=VALUE, such as training.epochs=20"),
    ("name={a", "not valid YAML: while parsing a flow mapping: did not find expected ',' or '}'"),
    ("data.train_images=60000", "data.train_images: 60000 is more than cifar-10's 50000 training images"),
  ])
  func oneLineAboutAnOverride(override: String, message: String) throws {
    let folder = try TestFolder(["run.yaml": smallest])
    #expect(folder.mistake("run.yaml", override) == "--set \(override): \(message)")
  }

  /// A comparison counts its seeds upwards, and there is nothing above the last.
  @Test func seedsBeyondTheLastAreRefused() throws {
    let folder = try TestFolder(["run.yaml": smallest + "training: {seed: 18446744073709551614}"])
    let settings = try folder.load()
    let compared = { try Comparison([settings], seeds: $0, runs: folder.url, library: ImageLibrary()) }
    #expect(try compared(2).jobs.map(\.settings.training.seed) == [18_446_744_073_709_551_614, .max])
    let error = #expect(throws: ConfigurationError.self) { try compared(3) }
    #expect(
      error?.description == "training.seed: 3 seeds from 18446744073709551614 go beyond the largest, "
        + "18446744073709551615; use a smaller one")
  }
}
