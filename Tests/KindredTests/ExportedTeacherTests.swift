// Teachers from elsewhere: what they say of a batch, and which results cannot teach.

import Foundation
import GoldenFiles
import Kindred
import Testing
import Torch

@Suite struct ExportedTeacherTests {
  private static let needsPyTorch = ConditionTrait.enabled(
    if: ExportedFiles.obstacle == nil, Comment(rawValue: ExportedFiles.obstacle ?? ""))

  private let golden: Golden

  init() throws { golden = try Golden("teacher") }

  private func network(
    _ outputs: [String: ExportedNetwork.Place], file: URL? = nil, inputs: Int = 3
  ) throws -> ExportedNetwork {
    let model = try ExportedModel(try file ?? Golden.file("teacher", "pt"))
    return try ExportedNetwork(model, name: "teacher", outputs: outputs, inputShape: [inputs, 3, 32, 32])
  }

  private func output(_ network: ExportedNetwork, statistics: Set<TeacherStatistic>) throws -> TeacherOutput {
    let batch = Batch(try golden["input"], labels: .zeros([3], dtype: .int64), position: BatchPosition())
    return try ExportedTeacher(network, statistics: statistics).output(for: batch)
  }

  @Test func itsDescriptionIsWhatItGives() throws {
    let network = try network(["logits": .key("logits"), "deep": .key("late"), "features": .key("embedding")])
    #expect(
      network.description
        == NetworkDescription(name: "teacher", classes: 7, taps: ["deep": [6, 16, 16], "features": [6]]))
    #expect(try self.network(["deep": .key("late")]).description.classes == nil)
  }

  @Test func itSaysWhatPyTorchComputes() throws {
    let network = try network(["logits": .key("logits"), "deep": .key("late")])
    let statistics: Set<TeacherStatistic> = [.logits, .activation("deep"), .attention("deep", size: 8)]
    let output = try output(network, statistics: statistics)
    #expect(relativeError(output[.logits], try golden["logits"]) < 1e-5)
    #expect(relativeError(output[.activation("deep")], try golden["late"]) < 1e-5)
    #expect(output[.attention("deep", size: 8)].shape == [3, 64])
  }

  /// Features in half precision, b x n, give similarities in float32: those of the same numbers in double precision.
  @Test func halfPrecisionFeaturesServeSimilarity() throws {
    let need = TeacherStatistic.similarity("features")
    let similarity = try output(try network(["features": .key("embedding")]), statistics: [need])[need]
    #expect(similarity.dtype == .float32)
    let rows = try golden["embedding"].to(.float64)
    let gram = rows.matmul(rows.transposed())
    #expect(relativeError(similarity, gram / gram.norm([1], keepingAxes: true)) < 1e-5)
  }

  /// A student learns from it, and the gradient passes through what the teacher said.
  @Test func aStudentCanBeComparedWithIt() throws {
    let losses: [any DistillationLoss] = [
      SimilarityPreserving([LayerPair(student: "own", teacher: "features")]), KnowledgeDistillation(),
      HintLoss(
        LayerPair(student: "own", teacher: "deep"),
        adapter: HintAdapter(student: (4, 16), teacher: (6, 16), generator: Generator(seed: 2))),
    ]
    let teacher = try network(["logits": .key("logits"), "deep": .key("late"), "features": .key("embedding")])
    for loss in losses {
      let student = Activations(
        logits: leaf(Generator(seed: 3).normal([3, 7])), taps: ["own": leaf(Generator(seed: 4).normal([3, 4, 16, 16]))])
      let value = loss(student, try output(teacher, statistics: loss.statistics))
      let input = loss.request.logits ? student.requiredLogits() : student.tap("own")
      let length = try gradient(value, at: input).squared().sum().item
      #expect(length > 0 && length.isFinite, "\(loss)")
    }
  }

  @Test(
    arguments: [
      (
        ["deep": .key("lat")],
        "deep: there is no output 'lat'; the result is a dictionary with logits, early, late, embedding"
      ),
      (
        ["deep": .index(2)],
        "deep: there is no output 2; the result is a dictionary with logits, early, late, embedding"
      ),
      (["logits": .key("late")], "logits: has shape [3, 6, 16, 16]; logits are N x classes"),
    ] as [([String: ExportedNetwork.Place], String)]
  ) func placesThatDoNotFitAreRefused(outputs: [String: ExportedNetwork.Place], reason: String) throws {
    let error = #expect(throws: ExportedNetworkError.self) { try network(outputs) }
    #expect(error?.description == reason)
  }

  @Test(
    needsPyTorch,
    arguments: [
      ("transposed.pt", 0, "deep: has shape [6, 16, 16, 3] for 3 inputs; its first axis must be the batch"),
      ("number.pt", 1, "deep: is not a tensor of floating-point numbers"),
      ("tuple.pt", 3, "deep: there is no output 3; the result has 3, counted from 0"),
    ]) func resultsThatCannotTeachAreRefused(name: String, index: Int, reason: String) throws
  {
    let file = try ExportedFiles.file(name)
    let error = #expect(throws: ExportedNetworkError.self) { try network(["deep": .index(index)], file: file) }
    #expect(error?.description.hasPrefix(reason) == true, "\(String(describing: error))")
  }

  @Test(needsPyTorch) func aPackageSaysWhatTheScriptSays() throws {
    let outputs: [String: ExportedNetwork.Place] = ["deep": .index(2)]
    let need = TeacherStatistic.activation("deep")
    let expected = try Safetensors.read(try ExportedFiles.file("expected.safetensors")).tensors
    let images = try #require(expected["input"])
    let batch = Batch(images, labels: .zeros([32], dtype: .int64), position: BatchPosition())
    let teacher = ExportedTeacher(
      try network(outputs, file: try ExportedFiles.file("tuple.pt2"), inputs: 32), statistics: [need])
    #expect(relativeError(try teacher.output(for: batch)[need], try #require(expected["late"])) < 1e-5)
  }
}
