import Foundation
import Kindred
import KindredExperiments
import KindredVision
import TestSupport
import Testing
import Torch

@Suite struct ConfigurationReadingTests {
  @Test func defaultsAreThePapersRecipe() throws {
    let configuration = try Configuration.reading(smallest)
    #expect(configuration.name == "run")
    #expect(configuration.data.set == .cifar10)
    #expect(configuration.data.folder == nil && configuration.data.trainImages == nil)
    #expect(configuration.data.heldOutImages == 0 && configuration.data.evaluateOn == .test)
    #expect(configuration.data.augmentation == Augmentation(cropPadding: 4, flip: true))
    #expect(configuration.trainingImageCount == 50_000)
    #expect(configuration.student.network.name == "wrn-16-1" && configuration.student.weights == nil)
    #expect(configuration.teacher == nil)
    #expect(configuration.losses == Configuration.Losses(crossEntropy: 1))
    let training = configuration.training
    #expect(training.epochs == 200 && training.batchSize == 128 && training.seed == 1 && training.planSeed == nil)
    #expect(training.dropLast && training.evaluateEvery == 1 && training.threads == 0 && training.device == .cpu)
    #expect(training.precision == .float32 && training.cudaGraph)
    let sgd = SGD.Options(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.0005)
    #expect(training.optimizer == .sgd(sgd))
    #expect(training.schedule == .init(.step(milestones: [60, 120, 160], factor: 0.2), warmUpEpochs: 0))
  }

  @Test func everyKeyIsRead() throws {
    let configuration = try Configuration.reading(
      """
      name: all of it
      data:
        set: mnist
        folder: /sets
        train_images: 10_000
        held_out_images: 5000
        evaluate_on: held-out
        test_images: 2000
        crop_padding: 2
        flip: true
      student: {network: resnet-8x4, weights: /weights/student.safetensors, freeze: [stem]}
      teacher: {network: wrn-16-2, weights: /weights/teacher.safetensors}
      losses:
        cross_entropy: 0.5
        sp: {weight: auto, fraction: 0.25, calibration_batches: 4, layers: [{student: stage3, teacher: stage2}]}
        kd: {alpha: 0.7, temperature: 2}
        at: {weight: 1000}
        hint: {weight: 100, layers: stage3}
      training:
        epochs: 20
        batch_size: 64
        seed: 7
        plan_seed: 8
        drop_last: false
        optimizer: {name: adamw, learning_rate: 2.0e-3, beta1: 0.8, beta2: 0.99, epsilon: 1e-7, weight_decay: 0.1, weight_decay_on: weights}
        schedule: {name: cosine, minimum: 1e-5, warm_up_epochs: 2}
        backbone_rate_factor: 0.1
        accumulate: 2
        clip_gradients: 1.5
        ema: 0.999
        evaluate_every: 5
        patience: 2
        threads: 2
        device: cuda
        precision: bfloat16
        cuda_graph: false
      """)
    var kd = KnowledgeDistillation(temperature: 2)
    kd.alpha = 0.7
    let expected = Configuration(
      name: "all of it",
      data: .init(
        set: .mnist, folder: .init(URL(filePath: "/sets", directoryHint: .notDirectory)), trainImages: 10_000,
        heldOutImages: 5000, evaluateOn: .heldOut, testImages: 2000,
        augmentation: Augmentation(cropPadding: 2, flip: true)),
      student: .init(
        network: .zoo(try #require(Architecture(name: "resnet-8x4"))),
        weights: .init(URL(filePath: "/weights/student.safetensors")), freeze: ["stem"]),
      teacher: .init(
        source: .weights(
          try #require(Architecture(name: "wrn-16-2")), .init(URL(filePath: "/weights/teacher.safetensors")))),
      losses: .init(
        crossEntropy: 0.5,
        terms: [
          .init(
            SimilarityPreserving([LayerPair(student: "stage3", teacher: "stage2")]),
            weight: .automatic(.init(fraction: 0.25, batches: 4))),
          .init(kd), .init(AttentionTransfer(), weight: .fixed(1000)),
          .init(Hint(LayerPair("stage3")), weight: .fixed(100)),
        ]),
      training: .init(
        epochs: 20, batchSize: 64, seed: 7, planSeed: 8, dropLast: false,
        optimizer: .adamW(
          .init(learningRate: 0.002, beta1: 0.8, beta2: 0.99, epsilon: 1e-7, weightDecay: 0.1, weightDecayOn: .weights)),
        schedule: .init(.cosine(minimum: 1e-5), warmUpEpochs: 2), backboneRateFactor: 0.1, accumulate: 2,
        clipGradients: 1.5, ema: 0.999, evaluateEvery: 5, patience: 2, threads: 2, device: .cuda,
        precision: .bfloat16, cudaGraph: false))
    #expect(configuration == expected)
  }

  @Test func lossesHaveTheirUsualLayersAndWeights() throws {
    let losses = try Configuration.reading(distilling + "losses: {sp: {}, kd: {}, at: {}, hint: {}}").losses
    let automatic = Configuration.Weight.automatic(.init(fraction: 0.5, batches: 8))
    #expect(losses["sp"] == .init(SimilarityPreserving([LayerPair("stage3")]), weight: automatic))
    #expect(losses["at"]?.method.layers == [LayerPair("stage1"), LayerPair("stage2"), LayerPair("stage3")])
    #expect(losses["hint"]?.method.layers == [LayerPair("stage2")])
    #expect(losses["kd"]?.value == 0.9 && losses["kd"]?.method.number("temperature") == 4)
    #expect(losses.terms.map(\.id) == ["sp", "kd", "at", "hint"])
  }

  @Test(arguments: [
    ("cifar-100", 4, true), ("textures", 4, true), ("mnist", 0, false), ("fashion-mnist", 0, true),
  ])
  func augmentationFollowsTheSet(set: String, padding: Int, flip: Bool) throws {
    let data = try Configuration.reading("data: {set: \(set)}\nstudent: {network: resnet-8}").data
    #expect(data.augmentation == Augmentation(cropPadding: padding, flip: flip))
  }

  /// What a set leaves open is a part of the set, whatever the order of the keys.
  @Test func aSetHasSettingsOfItsOwn() throws {
    let rest = "\nstudent: {network: resnet-8}"
    #expect(try Configuration.reading("data: {set: dtd}" + rest).data.set == .describableTextures)
    let third = try Configuration.reading("data: {split: 3, size: 96, set: dtd}" + rest).data
    #expect(third.chosenSet == .describableTextures(split: 3) && third.inputShape == [3, 96, 96])
    #expect(throws: ConfigurationError.self) { try Configuration.reading("data: {set: dtd, split: 11}" + rest) }
    #expect(third.augmentation.randomResizedCrop == 0.08)
    let both = try Configuration.reading("data: {set: cinic-10, with_validation: true}" + rest)
    #expect(both.trainingImageCount == 180_000 && both.data.set == .cinic10(withValidation: true))
  }

  @Test(arguments: [(20, [6, 12, 16]), (5, [2, 3, 4]), (2, [1, 2]), (1, [1])])
  func usualMilestonesFollowTheEpochs(epochs: Int, milestones: [Int]) throws {
    let configuration = try Configuration.reading(smallest, "training.epochs=\(epochs)")
    #expect(configuration.training.schedule == .init(.step(milestones: milestones, factor: 0.2)))
  }

  @Test func anotherSeedChangesNothingElse() throws {
    let one = try Configuration.reading(smallest, "training.plan_seed=5")
    var expected = one
    expected.training.seed = 9
    #expect(one.setting(seed: 9) == expected)
    #expect(one.setting(seed: 9).training.planSeed == 5)
  }

  @Test func pathsStartAtTheFileThatHoldsThem() throws {
    let folder = try TestFolder([
      "runs/base.yaml": smallest.replacing("cifar-10", with: "cifar-10, folder: ../sets"),
      "run.yaml": "extends: runs/base.yaml\nstudent: {weights: ./start/s.safetensors}",
    ])
    let root = folder.url.standardizedFileURL.path(percentEncoded: false)
    let configuration = try folder.load()
    #expect(configuration.data.folder?.url.path(percentEncoded: false) == root + "/sets")
    #expect(configuration.student.weights?.url.path(percentEncoded: false) == root + "/start/s.safetensors")
    let here = FileManager.default.currentDirectoryPath
    #expect(
      try folder.load("run.yaml", "data.folder=a/b").data.folder?.url.path(percentEncoded: false) == here + "/a/b")
    let home = try folder.load("run.yaml", "data.folder=~/sets").data.folder
    #expect(home?.url.path(percentEncoded: false) == NSHomeDirectory() + "/sets")
  }
}

// MARK: - Command line, extending, teachers

extension ConfigurationReadingTests {
  @Test func overridesReplaceAddAndRemove() throws {
    let file = distilling + "losses: {sp: {weight: 3000}}\ntraining: {optimizer: {momentum: 0.8}, epochs: 5}"
    let folder = try TestFolder(["run.yaml": file])
    let changed = try folder.load(
      "run.yaml", "training.epochs=20", "losses.at.weight=50", "losses.sp=null", "name=other",
      "training.optimizer={name: adamw}", "training.schedule.milestones=[3, 4]", "training.epochs=30")
    #expect(changed.training.epochs == 30)
    #expect(changed.losses["sp"] == nil && changed.losses["at"]?.weight == .fixed(50))
    #expect(changed.name == "other")
    #expect(changed.training.optimizer == .adamW(.init()))
    #expect(changed.training.schedule.shape == .step(milestones: [3, 4], factor: 0.2))
    #expect(try folder.load("run.yaml", "training.epochs=").training.epochs == 200)
    #expect(try folder.load("run.yaml", "name=a=b").name == "a=b")
  }

  @Test func extendingMergesSectionsButNotTheName() throws {
    let folder = try TestFolder([
      "recipe.yaml": "name: recipe\ndata: {set: cifar-10}\ntraining: {epochs: 10, batch_size: 32}",
      "plain.yaml": "extends: recipe.yaml\nstudent: {network: wrn-16-1}\ntraining: {epochs: 20}",
      "run.yaml": "extends: plain.yaml\ntraining: {batch_size: null, seed: 3}",
    ])
    let configuration = try folder.load()
    #expect(configuration.name == "run")
    #expect(configuration.training.epochs == 20 && configuration.training.seed == 3)
    #expect(configuration.training.batchSize == 128)
  }

  @Test func aTeachersConfigurationGivesItsNetwork() throws {
    let folder = try TestFolder([
      "teachers/big.yaml": smallest.replacing("wrn-16-1", with: "wrn-40-2"),
      "run.yaml": smallest + "teacher: {config: teachers/big.yaml}\nlosses: {sp: {weight: 3000}}",
    ])
    let teacher = try #require(try folder.load().teacher)
    #expect(teacher.network?.name == "wrn-40-2")
    let file = folder.url.standardizedFileURL.path(percentEncoded: false) + "/teachers/big.yaml"
    #expect(teacher.source == .configuration(try #require(teacher.network), .init(file: .init(URL(filePath: file)))))
  }

  @Test func aTeachersRunIsChecked() throws {
    let student = try Configuration.reading(distilling + "losses: {sp: {}}")
    try student.check(teacher: Configuration.reading(smallest, "student.network=wrn-16-2"))
    #expect(throws: ConfigurationError.self) {
      try student.check(teacher: Configuration.reading(smallest, "student.network=wrn-40-2"))
    }
  }

  /// A value is an index where it is a plain whole number, else a key; a relative path starts at the file's folder.
  @Test func anExportedTeachersOutputsAreNamed() throws {
    let folder = try TestFolder([
      "run.yaml": smallest + "teacher: {exported: ../big.pt2, outputs: {logits: 0, features: embedding, stage: '1'}}\n"
        + "losses: {sp: {layers: [{student: stage3, teacher: features}]}}"
    ])
    let teacher = try #require(try folder.load().teacher)
    let file = folder.url.deletingLastPathComponent().standardizedFileURL.path(percentEncoded: false) + "big.pt2"
    let outputs: [String: Configuration.Exported.Place] = [
      "logits": .index(0), "features": .key("embedding"), "stage": .key("1"),
    ]
    #expect(teacher.source == .exported(.init(file: .init(URL(filePath: file)), outputs: outputs)))
    #expect(teacher.network == nil && teacher.precision == .float32)
  }

  @Test func valuesMadeInCodeAreCheckedToo() throws {
    var configuration = try Configuration.reading(smallest)
    try configuration.check()
    configuration.training.batchSize = 60_000
    let message = "a batch of 60000 is more than the 50000 training images; use a smaller one"
    #expect(throws: ConfigurationError(key: "training.batch_size", message: message)) { try configuration.check() }
  }

  /// YAML's merge keys: what is written wins, then the earlier of the merged sections; null takes a merged key away.
  @Test func mergeKeysTakeOverWhatIsNotWritten() throws {
    let configuration = try Configuration.reading(
      distilling + """
        losses:
          sp: &usual {weight: 10, layers: [stage2]}
          at: &other {weight: 20, layers: [stage1]}
          hint: {<<: [*usual, *other], weight: 5}
        training:
          optimizer: &sgd {learning_rate: 0.5, nesterov: False, momentum: 0}
          <<: {drop_last: FALSE, epochs: 7}
          epochs: 9
        """)
    #expect(configuration.losses["hint"] == .init(Hint(LayerPair("stage2")), weight: .fixed(5)))
    #expect(configuration.losses["sp"] == .init(SimilarityPreserving([LayerPair("stage2")]), weight: .fixed(10)))
    #expect(configuration.training.epochs == 9)
    #expect(!configuration.training.dropLast)
    let taken = try Configuration.reading(
      distilling + "losses:\n  sp: &usual {weight: 10}\n  at: {<<: *usual, weight: null}\n")
    #expect(taken.losses["at"]?.weight == .automatic(.init()))
    #expect(
      try TestFolder(["run.yaml": smallest + "training: {<<: {epocs: 3}}"]).mistake()
        == "run.yaml:3: training.epocs: unknown key; did you mean 'epochs'?")
  }
}
