/// The configurations in `Experiments/` load and say what the paper's table 2 says.

import Foundation
import Kindred
import KindredExperiments
import KindredVision
import Testing

@Suite struct ConfigurationExperimentTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Experiments/cifar10").standardizedFileURL

  static func load(_ path: String) throws -> Configuration {
    try Configuration.load(file: folder.appending(path: path))
  }

  @Test func everyFileLoadsButTheRecipe() throws {
    let walk = FileManager.default.enumerator(at: Self.folder, includingPropertiesForKeys: nil)
    let files = try #require(walk).compactMap { $0 as? URL }.filter { $0.pathExtension == "yaml" }
    #expect(files.count == 1 + 5 + 5 * 3)
    for file in files where file.lastPathComponent != "recipe.yaml" {
      #expect(throws: Never.self, "\(file.path)") { try Configuration.load(file: file) }
    }
    #expect(throws: ConfigurationError.self) { try Self.load("recipe.yaml") }
  }

  /// The paper's pairs, and the parameters its table gives in millions.
  @Test(arguments: [
    ("wrn-40-1", 0.6, "wrn-16-1", 0.2), ("wrn-16-2", 0.7, "wrn-16-1", 0.2), ("wrn-40-2", 2.2, "wrn-16-2", 0.7),
    ("wrn-16-8", 11.0, "wrn-16-2", 0.7), ("wrn-16-8", 11.0, "wrn-40-2", 2.2),
  ])
  func aPair(teacher: String, teacherMillions: Double, student: String, studentMillions: Double) throws {
    let plain = try Self.load("networks/\(student).yaml")
    #expect(plain.teacher == nil && plain.losses == Configuration.Losses())
    let stages = [LayerPair("stage1"), LayerPair("stage2"), LayerPair("stage3")]
    let expected: [(String, Configuration.Term)] = [
      ("kd", .init(KnowledgeDistillation(temperature: 4))),
      ("at", .init(AttentionTransfer(stages), weight: .fixed(1000))),
      ("sp", .init(SimilarityPreserving([LayerPair("stage3")]), weight: .fixed(3000))),
    ]
    for (method, term) in expected {
      let distilled = try Self.load("\(teacher)-to-\(student)/\(method).yaml")
      #expect(distilled.name == method)
      #expect(distilled.losses == Configuration.Losses(terms: [term]))
      #expect(distilled.data == plain.data && distilled.student == plain.student)
      #expect(distilled.training == plain.training)
      let source = Self.folder.appending(path: "networks/\(teacher).yaml").path(percentEncoded: false)
      let network = try #require(distilled.teacher?.network)
      #expect(distilled.teacher?.source == .configuration(network, .init(URL(filePath: source))))
      #expect(millions(distilled.student.network) == studentMillions)
      #expect(millions(network) == teacherMillions)
    }
  }

  @Test(arguments: ["wrn-16-1", "wrn-16-2", "wrn-40-1", "wrn-40-2", "wrn-16-8"])
  func theRecipe(network: String) throws {
    let configuration = try Self.load("networks/\(network).yaml")
    #expect(configuration.name == network && configuration.student.network.name == network)
    #expect(configuration.data == Configuration.Images(set: .cifar10))
    let training = configuration.training
    #expect(training.epochs == 200 && training.batchSize == 128)
    #expect(training.optimizer == .sgd(.init(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4)))
    #expect(training.schedule == .init(.step(milestones: [60, 120, 160], factor: 0.2)))
  }

  private func millions(_ network: Architecture) -> Double {
    (Double(network.parameterCount(classes: 10, inputChannels: 3)) / 1e5).rounded() / 10
  }
}
