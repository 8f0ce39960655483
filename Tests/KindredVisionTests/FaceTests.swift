// The short way through the libraries: a distiller that is made of networks, losses, a recipe and data.

import Foundation
import Kindred
import KindredVision
import TestSupport
import Testing
import Torch

@Suite struct FaceTests {
  private let data = ImageData.textures(train: 48, test: 16)
  private let recipe = Recipe(epochs: 2, batchSize: 16, optimizer: .sgd(learningRate: 0.05))

  private func distiller(_ losses: [WeightedLoss]) throws -> Distiller {
    try Distiller(
      Networks.make("resnet-8", for: data, seed: 3), teacher: .live(Networks.make("resnet-14", for: data)),
      losses: losses, recipe: recipe, data: data)
  }

  private func epochs(_ distiller: Distiller) throws -> [EpochReport] {
    var reports: [EpochReport] = []
    while let event = try distiller.next() {
      if case .epoch(let report) = event { reports.append(report) }
    }
    return reports
  }

  /// The same run as the one that is put together by hand.
  @Test func itIsTheRunOfItsParts() throws {
    let short = try distiller([.crossEntropy(), .similarity(weight: 30)])
    let reports = try epochs(short)
    #expect(reports.map(\.epoch) == [1, 2] && reports.allSatisfy { $0.accuracy != nil })

    let student = try Networks.make("resnet-8", for: data, seed: 3)
    let objective = Objective([.crossEntropy(), .init("sp", SimilarityPreserving([LayerPair("stage3")]), weight: 30)])
    let teacher = LiveTeacher(try Networks.make("resnet-14", for: data), statistics: objective.statistics)
    let long = Distiller(student: student, teacher: teacher, objective: objective, recipe: recipe)
    let events = long.events(on: data.batches(for: recipe)) { [data] in try data.evaluation(of: $0, on: .cpu) }
    while try events.next() != nil {}
    #expect(short.student.bytes == student.bytes)
  }

  /// A weight that nobody gave is found before the first step.
  @Test func weightsAreCalibrated() throws {
    let distiller = try distiller([.crossEntropy(), .similarity()])
    let weight = try #require(distiller.objective.terms.last?.weight)
    #expect(weight > 0)
    #expect(try epochs(distiller).count == 2)
  }

  /// KD's alpha takes its share of cross-entropy, as in a configuration; a weight does not. Without a teacher there is no KD.
  @Test func methodsShareWithCrossEntropy() throws {
    let whole = try distiller([.crossEntropy(), .method(KnowledgeDistillation(), weight: 0.5)])
    let shared = try distiller([.crossEntropy(weight: 2), .method(KnowledgeDistillation())])
    #expect(whole.objective.terms.map(\.weight) == [1, 0.5])
    #expect(shared.objective.terms.map(\.weight) == [2 * (1 - 0.9), 0.9])
    #expect(throws: MethodError.self) {
      try Distiller(
        Networks.make("resnet-8", for: data), losses: [.method(KnowledgeDistillation())], recipe: recipe, data: data)
    }
  }

  /// What a configuration file would be refused for is refused here too.
  @Test func settingsThatCannotBeAreRefused() throws {
    let data = self.data
    func refusal(_ recipe: Recipe, _ loss: WeightedLoss = .crossEntropy()) throws -> String? {
      #expect(throws: SettingError.self) {
        try Distiller(Networks.make("resnet-8", for: data), losses: [loss], recipe: recipe, data: data)
      }?.description
    }
    #expect(
      try refusal(Recipe(epochs: 9, schedule: .init(.step(milestones: [5, 4], factor: 0.1))))
        == "schedule.milestones: [5, 4] must increase from one to the next")
    #expect(
      try refusal(Recipe(optimizer: .sgd(learningRate: -1)))
        == "optimizer.learning_rate: expected a number above 0, found -1.0")
    #expect(
      try refusal(recipe, .method(KnowledgeDistillation(temperature: 0)))
        == "kd.temperature: expected a number above 0, found 0.0")
  }

  @Test func aNetworkIsSavedAndLoaded() throws {
    try withTestFolder { folder in
      let file = folder.appending(path: "network.safetensors").path
      let network = try Networks.make("resnet-8", for: data, seed: 5)
      try network.save(to: file)
      let again = try Networks.make("resnet-8", for: data, seed: 6).loaded(from: file)
      #expect(again.bytes == network.bytes)
    }
    #expect(throws: UnknownNetwork.self) { try Networks.make("resnet-9", for: data) }
  }
}
