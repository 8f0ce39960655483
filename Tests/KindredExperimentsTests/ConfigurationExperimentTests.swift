/// The studies in `Experiments/` load and say what the papers' tables say.

import Foundation
import Kindred
import KindredExperiments
import KindredVision
import TestSupport
import Testing

@Suite struct ConfigurationExperimentTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Experiments").standardizedFileURL

  static func rows(_ path: String) throws -> [Study.Row] { try Study.load(file: folder.appending(path: path)).rows }

  static func row(_ name: String, of path: String) throws -> Study.Row {
    try #require(try rows(path).first { $0.settings.name == name })
  }

  /// What is shared is no run by itself.
  @Test func everyFileLoadsButTheSharedOnes() throws {
    let walk = FileManager.default.enumerator(at: Self.folder, includingPropertiesForKeys: nil)
    let files = try #require(walk).compactMap { $0 as? URL }.filter { $0.pathExtension == "yaml" }
    let shared = """
      cifar10/recipe cifar10/methods cifar10-short/recipe cifar100/recipe cifar100/methods cifar100-short/recipe
      cinic10/recipe cinic10/methods dtd/recipe dtd/methods privileged/recipe privileged/student textures/recipe
      unlabelled/recipe
      """.split(whereSeparator: \.isWhitespace).map { "\($0).yaml" }
    // The photographs of dtd-10 are looked for beside its files.
    for file in files where !file.path.contains("/dtd-10/") {
      let isShared = shared.contains { file.path.hasSuffix($0) }
      if isShared {
        #expect(throws: ConfigurationError.self, "\(file.path)") { try Study.load(file: file) }
      } else {
        #expect(throws: Never.self, "\(file.path)") { try Study.load(file: file) }
      }
    }
  }

  /// The paper's pairs, and the parameters its table gives in millions.
  @Test(arguments: [
    ("wrn-40-1", 0.6, "wrn-16-1", 0.2), ("wrn-16-2", 0.7, "wrn-16-1", 0.2), ("wrn-40-2", 2.2, "wrn-16-2", 0.7),
    ("wrn-16-8", 11.0, "wrn-16-2", 0.7), ("wrn-16-8", 11.0, "wrn-40-2", 2.2),
  ])
  func aPair(teacher: String, teacherMillions: Double, student: String, studentMillions: Double) throws {
    let rows = try Self.rows("cifar10/\(teacher)-to-\(student).yaml")
    let plain = rows[0].settings
    #expect(plain.name == "plain" && plain.student.network.name == student)
    #expect(plain.teacher == nil && plain.losses == Configuration.Losses())
    let stages = [LayerPair("stage1"), LayerPair("stage2"), LayerPair("stage3")]
    let expected: [(String, Configuration.Term)] = [
      ("kd", .init(KnowledgeDistillation(temperature: 4))),
      ("at", .init(AttentionTransfer(stages), weight: .fixed(1000))),
      ("sp", .init(SimilarityPreserving([LayerPair("stage3")]), weight: .fixed(3000))),
    ]
    #expect(rows.count == 1 + expected.count)
    for (row, (method, term)) in zip(rows.dropFirst(), expected) {
      let distilled = row.settings
      #expect(distilled.name == method && row.seeds == 5)
      #expect(distilled.losses == Configuration.Losses(terms: [term]))
      #expect(distilled.data == plain.data && distilled.student == plain.student)
      #expect(distilled.training == plain.training)
      let source = Self.folder.appending(path: "cifar10/networks/\(teacher).yaml").path(percentEncoded: false)
      let network = try #require(distilled.teacher?.network)
      #expect(distilled.teacher?.source == .configuration(network, .init(file: .init(URL(filePath: source)))))
      #expect(millions(try #require(distilled.student.network.architecture)) == studentMillions)
      #expect(millions(network) == teacherMillions)
    }
  }

  @Test(arguments: ["wrn-16-2", "wrn-40-1", "wrn-40-2", "wrn-16-8"])
  func theRecipe(network: String) throws {
    let configuration = try Configuration.load(file: Self.folder.appending(path: "cifar10/networks/\(network).yaml"))
    #expect(configuration.name == network && configuration.student.network.name == network)
    #expect(configuration.data == Configuration.Images(set: .cifar10))
    let training = configuration.training
    #expect(training.epochs == 200 && training.batchSize == 128)
    #expect(training.optimizer == .sgd(.init(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4)))
    #expect(training.schedule == .init(.step(milestones: [60, 120, 160], factor: 0.2)))
    let study = try Self.rows("cifar10/wrn-40-2-to-wrn-16-2.yaml")
    #expect(study.allSatisfy { $0.settings.training == training })
  }

  @Test func theShortRecipe() throws {
    let sweep = try Self.rows("cifar10-short/gamma.yaml")
    #expect(sweep.map(\.settings.name) == ["gamma=30", "gamma=100", "gamma=300", "gamma=1000"])
    #expect(sweep.map { $0.settings.losses["sp"]?.weight } == [30, 100, 300, 1000].map { .fixed($0) })
    #expect(sweep.allSatisfy { $0.settings.data.evaluateOn == .heldOut && $0.seeds == 1 })
    let rows = try Self.rows("cifar10-short/methods.yaml")
    #expect(rows.map(\.settings.name) == ["plain", "kd", "at", "sp"])
    #expect(rows[3].settings.losses["sp"]?.weight == .fixed(300) && rows[3].seeds == 2)
    #expect(rows.allSatisfy { $0.settings.data.trainImages == 5000 && $0.settings.training.epochs == 10 })
  }

  /// Tables 3, 4 and 5: the pairs, and what is known of their recipes.
  @Test func thePapersOtherTables() throws {
    for (pair, millions) in [
      ("shufflenetv2-1-to-shufflenetv2-0.5", 0.4), ("shufflenetv2-2-to-shufflenetv2-0.5", 0.4),
      ("shufflenetv2-2-to-shufflenetv2-1", 1.3), ("mobilenetv2-1.0-to-mobilenetv2-0.35", 0.4),
      ("mobilenetv2-1.0-to-shufflenetv2-0.5", 0.4), ("shufflenetv2-2-to-mobilenetv2-0.35", 0.4),
    ] {
      let rows = try Self.rows("cinic10/\(pair).yaml")
      #expect(rows.map(\.settings.name) == ["plain", "kd", "at", "sp", "kd-sp", "at-sp"])
      #expect(rows.allSatisfy { $0.settings.training.epochs == 140 && $0.settings.training.batchSize == 96 })
      #expect(abs(try self.millions(rows[0].settings, classes: 10) - millions) < 0.06)
    }
    for (pair, millions) in [
      ("mobilenetv1_050-to-mobilenetv1_025", 0.2), ("mobilenetv1_100-to-mobilenetv1_025", 0.2),
      ("mobilenetv1_100-to-mobilenetv1_050", 0.8), ("mobilenet_v2-1.0-to-mobilenet_v2-0.35", 0.5),
      ("mobilenet_v2-1.4-to-mobilenet_v2-0.35", 0.5), ("mobilenet_v2-1.4-to-mobilenet_v2-1.0", 2.2),
    ] {
      let rows = try Self.rows("dtd/\(pair).yaml")
      #expect(rows.map(\.settings.name) == ["plain", "at", "sp"] && rows.allSatisfy { $0.splits == 10 })
      #expect(abs(try self.millions(rows[0].settings, classes: 47) - millions) < 0.1)
    }
  }

  /// Of photographs, which only have to be there: each split has a teacher of its own.
  @Test func photographsOfTextures() throws {
    let folder = try TestFolder()
    for index in 0..<100 {
      let place = try folder.folder("images/\(["banded", "dotted"][index % 2])")
      try Data([0xff, 0xd8]).write(to: place.appending(path: "\(index).jpg"))
    }
    for name in ["recipe", "teacher", "methods"] {
      let file = "\(name).yaml"
      try FileManager.default.copyItem(
        at: Self.folder.appending(path: "dtd-10/\(file)"), to: folder.url.appending(path: file))
    }
    let rows = try Study.load(file: folder.url.appending(path: "methods.yaml")).rows
    let jobs = try Comparison(rows, runs: folder.url, library: ImageLibrary()).jobs
    let names = jobs.map { "\($0.settings.name) \($0.settings.data.split ?? 0)" }
    #expect(names == ["teacher", "plain", "at", "sp"].flatMap { name in (1...3).map { "\(name) \($0)" } })
    #expect(
      Set(jobs.map(\.settings.trainingImageCount)).count > 1 && jobs.allSatisfy { $0.settings.data.heldOut == 0.2 })
  }

  /// Section 0 of the benchmark's protocol: what `train_student.py` does.
  @Test(arguments: [
    ("wrn-40-2", "wrn-16-2"), ("wrn-40-2", "wrn-40-1"), ("resnet-56", "resnet-20"), ("resnet-110", "resnet-20"),
    ("resnet-110", "resnet-32"), ("resnet-32x4", "resnet-8x4"),
  ])
  func theBenchmark(teacher: String, student: String) throws {
    for row in try Self.rows("cifar100/\(teacher)-to-\(student).yaml") {
      let (settings, training) = (row.settings, row.settings.training)
      let isTeacher = settings.name == teacher
      #expect(settings.student.network.name == (isTeacher ? teacher : student))
      #expect(settings.teacher?.network?.name == (["plain", teacher].contains(settings.name) ? nil : teacher))
      #expect(row.published != nil && row.seeds == (isTeacher ? 1 : 5))
      #expect(settings.data == Configuration.Images(set: .cifar100))
      #expect(training.batchSize == 64 && !training.dropLast)
      #expect(training.optimizer == .sgd(.init(learningRate: 0.05, momentum: 0.9, nesterov: false, weightDecay: 5e-4)))
      // AB and FSP have 30 epochs of their own before the others.
      let before = ["ab", "fsp"].contains(settings.name) ? 30 : 0
      #expect(training.epochs == 240 + before)
      #expect(training.schedule == .init(.step(milestones: [150, 180, 210].map { $0 + before }, factor: 0.1)))
    }
  }

  @Test func thePublishedNumbers() throws {
    let sp = try Self.row("sp", of: "cifar100/wrn-40-2-to-wrn-16-2.yaml")
    #expect(sp.published == 73.83)
    #expect(sp.settings.losses["sp"]?.weight == .fixed(3000))
    let crd = try Self.row("crd", of: "cifar100/resnet-110-to-resnet-32.yaml")
    #expect(crd.published == 73.48)
    #expect(crd.settings.losses["crd"]?.weight == .fixed(0.8))
    let dkd = try Self.row("dkd", of: "cifar100/resnet-56-to-resnet-20.yaml").settings
    #expect(dkd.losses["dkd"]?.method.number("beta") == 2)
    // FSP wants the same channels in both networks.
    let narrow = try Self.rows("cifar100/wrn-40-2-to-wrn-40-1.yaml").map(\.settings.name)
    #expect(!narrow.contains("fsp") && narrow.contains("dist"))
    let networks = try Self.rows("cifar100/resnet-32x4-to-resnet-8x4.yaml")
    #expect(
      networks.last?.settings
        == (try Configuration.load(
          file: Self.folder.appending(path: "cifar100/networks/resnet-32x4.yaml"))))
  }

  private func millions(_ settings: Configuration, classes: Int) throws -> Double {
    Double(try settings.studentFacts.cost(classes: classes).parameters) / 1e6
  }

  private func millions(_ network: Architecture) -> Double {
    (Double(network.parameterCount(classes: 10, inputChannels: 3)) / 1e5).rounded() / 10
  }
}
