// The layers that methods compare where none are named, between networks of three and four stages.

import Kindred
import KindredVision
import Testing
import Torch

@Suite struct UsualLayersTests {
  private func setup(_ student: String, _ teacher: String, side: Int = 32) throws -> LossSetup {
    func description(_ name: String) throws -> NetworkDescription {
      try #require(Architecture(name: name)).description(classes: 10, image: (3, side, side))
    }
    return LossSetup(
      student: try description(student), teacher: try description(teacher), generator: Generator(seed: 1))
  }

  private func layers(_ method: any Method, _ setup: LossSetup) throws -> [LayerPair] {
    try method.resolved(student: setup.student, teacher: setup.teacher).layers
  }

  /// As they were when they were names: a recording's statistics are called by them.
  @Test func threeStagesAreWhatTheyWere() throws {
    let setup = try setup("resnet-8", "resnet-20")
    let stages = [1, 2, 3].map { "stage\($0)" }
    let usual: [(any Method, taps: [String], statistics: [String])] = [
      (SimilarityPreserving(), ["stage3"], ["similarity.stage3"]),
      (CentredKernelAlignment(), ["stage3"], ["cka.stage3"]),
      (InterChannelCorrelation(), ["stage3"], ["channel-similarity.stage3"]),
      (AttentionTransfer(), stages, stages.map { "attention.\($0)" }),
      (NeuronSelectivityTransfer(), stages, stages.map { "activation.\($0)" }),
      (VariationalInformationDistillation(), stages, stages.map { "activation.\($0)" }),
      (
        FlowOfSolutionProcedure(), ["stem"] + stages,
        ["flow.stem.stage1", "flow.stage1.stage2", "flow.stage2.stage3"]
      ),
      (ActivationBoundaries(), stages.map { "\($0).pre" }, stages.map { "boundary.\($0).pre" }),
      (FeatureDistillationOverhaul(), stages.map { "\($0).pre" }, stages.map { "activation.\($0).pre" }),
      (KnowledgeReview(), stages.map { "\($0).pre" }, stages.map { "activation.\($0).pre" } + ["activation.pooled"]),
      (Hint(), ["stage2"], ["activation.stage2"]),
      (ReusedTeacherClassifier(), ["last"], ["activation.last"]),
    ]
    for (method, taps, statistics) in usual {
      #expect(try layers(method, setup) == taps.map { LayerPair($0) }, "\(method.name)")
      #expect(
        try Set(method.loss(for: setup).statistics.map(\.name)) == Set(statistics), "\(method.name)")
    }
    let known = Set(usual.map(\.0.name))
    for method in Methods.all where method.usualLayersText != nil { #expect(known.contains(method.card.name)) }
  }

  /// RepDistiller's `feat[1:-1]` and `feat[-2]` of this pair.
  @Test func fourStagesAreAllCompared() throws {
    let setup = try setup("mobilenetv2-0.5", "vgg-13")
    let stages = (1...4).map { LayerPair("stage\($0)") }
    #expect(try layers(AttentionTransfer(), setup) == stages)
    #expect(try layers(SimilarityPreserving(), setup) == [LayerPair("stage4")])
    #expect(try SimilarityPreserving().loss(for: setup).statistics.map(\.name) == ["similarity.stage4"])
    #expect(try AttentionTransfer().loss(for: setup).request.taps == Set(stages.map(\.student)))
    for method in [NeuronSelectivityTransfer(), VariationalInformationDistillation()] as [any Method] {
      #expect(try method.loss(for: setup).request.taps == Set(stages.map(\.student)), "\(method.name)")
    }
    let alike = try self.setup("vgg-8", "vgg-13")
    let boundaries = try layers(ActivationBoundaries(), alike)
    #expect(boundaries == (1...4).map { LayerPair("stage\($0).pre") })
    for method in [
      ActivationBoundaries(), KnowledgeReview(), FeatureDistillationOverhaul(), FlowOfSolutionProcedure(),
    ] as [any Method] {
      #expect(throws: Never.self, "\(method.name)") { try method.loss(for: alike) }
    }
  }

  @Test func differentCountsArePairedFromTheEnd() throws {
    func pairs(_ names: [(String, String)]) -> [LayerPair] { names.map { LayerPair(student: $0, teacher: $1) } }
    let deeper = try setup("wrn-16-2", "resnet-50-cifar")
    let expected = [("stage1", "stage2"), ("stage2", "stage3"), ("stage3", "stage4")]
    #expect(try layers(AttentionTransfer(), deeper) == pairs(expected))
    #expect(try layers(SimilarityPreserving(), deeper) == pairs([("stage3", "stage4")]))
    #expect(
      try layers(ActivationBoundaries(), deeper) == pairs(expected.map { ("\($0).pre", "\($1).pre") }))
    #expect(try layers(FlowOfSolutionProcedure(), deeper) == pairs([("stem", "stem")] + expected))
    let shallower = try setup("vgg-8", "wrn-16-2")
    #expect(try layers(AttentionTransfer(), shallower) == pairs(expected.map { ($1, $0) }))
    #expect(try layers(SimilarityPreserving([LayerPair("stage2")]), deeper) == [LayerPair("stage2")])
  }

  @Test func networksThatNameNoStagesWantLayers() throws {
    let student = try setup("resnet-8", "resnet-8").student
    func problem(_ method: any Method, _ taps: [String: [Int]]) -> String {
      let teacher = NetworkDescription(name: "teacher.pt", classes: nil, taps: taps)
      do {
        _ = try method.loss(for: LossSetup(student: student, teacher: teacher, generator: Generator(seed: 1)))
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      problem(SimilarityPreserving(), ["features": [6], "stage3x": [6]])
        == "layers: teacher.pt names no stages (stage1, stage2 and so on); say what is compared, such as layers: "
        + "[{student: stage3, teacher: features}]; it has features, stage3x")
    #expect(
      problem(AttentionTransfer(), ["stage2": [6, 8, 8], "stage3": [6, 8, 8]])
        == "layers: teacher.pt names some of its stages, but not all from stage1 to stage3; say what is compared, such "
        + "as layers: [stage3]; it has stage2, stage3")
    #expect(problem(SimilarityPreserving(), ["stage3": [6, 8, 8]]) == "")
    #expect(
      problem(SimilarityPreserving(), [:]).hasSuffix(
        "layers: [{student: stage3, teacher: logits}]; it gives no activations"))
  }
}
