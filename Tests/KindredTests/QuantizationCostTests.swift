// What an int8 teacher costs: the figures by hand, the bounds, and a small teacher before and after.

import Foundation
import Graph
import Kindred
import Testing
import Torch

@Suite struct QuantizationCostTests {
  private func cost(
    drop: Double? = 0.5, error: Double = 0.02, correlation: Double = 0.99
  ) -> QuantizationCost {
    QuantizationCost(
      inputs: 200, convolutions: .init(quantized: 3, of: 4),
      accuracy: drop.map { .init(float32: 0.9, reduced: 0.9 - $0 / 100) },
      similarities: ["stage3": .init(relativeError: error, correlation: correlation)])
  }

  private let bounds = QuantizationCost.Bounds(
    largestTop1Drop: 1, largestGramError: 0.05, smallestGramCorrelation: 0.95)

  @Test func eachFigureHasItsBound() throws {
    try cost().check(bounds)
    try cost(drop: nil).check(bounds)
    let cases: [(QuantizationCost, QuantizationTooCostly.Figure, String)] = [
      (cost(drop: 1.5), .top1Drop, "it loses 1.50 points of top-1 accuracy, more than 1"),
      (
        cost(error: 0.06), .gramError("stage3"),
        "its Gram matrix of stage3 is off by 0.0600 of its norm, more than 0.05"
      ),
      (
        cost(correlation: 0.9), .gramCorrelation("stage3"),
        "its Gram matrix of stage3 has a correlation of 0.9000 with the exact one, less than 0.95"
      ),
      (cost(error: .nan), .gramError("stage3"), "is off by nan"),
    ]
    for (cost, figure, words) in cases {
      let error = #expect(throws: QuantizationTooCostly.self) { try cost.check(bounds) }
      #expect(error?.figure == figure)
      #expect(error?.description.contains("on 200 held-out inputs") == true)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  @Test func itIsOneLineAndSurvivesJSON() throws {
    #expect(
      cost().description
        == "3 of 4 convolutions in int8; on 200 held-out inputs top-1 89.50 % (float32 90.00 %); "
        + "Gram matrix of stage3 off by 2.00 %, correlation 0.9900")
    let copy = try JSONDecoder().decode(QuantizationCost.self, from: JSONEncoder().encode(cost(drop: nil)))
    #expect(copy == cost(drop: nil))
    let text = String(decoding: try JSONEncoder().encode(cost(drop: 0.5)), as: UTF8.self)
    #expect(text.contains("\"float32Percent\":90") && text.contains("\"reducedPercent\":89.5"), "\(text)")
  }

  /// By hand: the difference has one entry of 0.5 and the reference a norm of sqrt(3); off the diagonal 0, 0, 0, 0, 1, 0
  /// against 0, 0, 0.5, 0, 1, 0 have the correlation 5 / sqrt(35).
  @Test func figuresByHand() {
    let exact = Tensor([1, 0, 0, 0, 1, 0, 1, 0, 0] as [Double], shape: [3, 3])
    let other = Tensor([1, 0, 0, 0.5, 1, 0, 1, 0, 0] as [Double], shape: [3, 3])
    let one = QuantizationCost.Similarity(of: [(other, exact)])
    #expect(abs(one.relativeError - 0.5 / 3.0.squareRoot()) < 1e-12)
    #expect(abs(one.correlation - offDiagonalCorrelation([0, 0, 0.5, 0, 1, 0], [0, 0, 0, 0, 1, 0])) < 1e-12)
    let mean = QuantizationCost.Similarity(of: [(other, exact), (exact, exact)])
    #expect(abs(mean.relativeError - one.relativeError / 2) < 1e-12)
    #expect(abs(mean.correlation - (one.correlation + 1) / 2) < 1e-12)
  }

  /// Pearson's formula as it stands in textbooks.
  private func offDiagonalCorrelation(_ a: [Double], _ b: [Double]) -> Double {
    let n = Double(a.count)
    let (sa, sb) = (a.reduce(0, +), b.reduce(0, +))
    let (saa, sbb, sab) = (
      a.reduce(0) { $0 + $1 * $1 }, b.reduce(0) { $0 + $1 * $1 }, zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    )
    return (n * sab - sa * sb) / ((n * saa - sa * sa) * (n * sbb - sb * sb)).squareRoot()
  }
}

@Suite struct QuantizedTeacherTests {
  private func batches(_ epoch: Int, _ count: Int) -> [Batch] {
    (0..<count).map { TinyBatches.batch(at: BatchPosition(epoch: epoch, batch: $0)) }
  }

  private let statistics: Set<TeacherStatistic> = [.similarity("stage2"), .logits]

  /// The first convolution sees negative inputs and stays in float32, so that `stage1` costs nothing.
  @Test func aTeacherIsMeasuredAgainstItself() throws {
    let network = TinyNetwork(6, seed: 3).warmedUp()
    let exact = LiveTeacher(TinyNetwork(6, seed: 3).warmedUp(), statistics: statistics)
    let heldOut = batches(8, 5)
    let teacher = try LiveTeacher(
      quantizing: network, statistics: statistics.union([.similarity("stage1")]), calibration: batches(7, 4),
      heldOut: heldOut,
      comparingLabels: true)
    let cost = try #require(teacher.quantizationCost)
    #expect(cost.inputs == 30 && cost.convolutions == QuantizationCount(quantized: 1, of: 2))
    #expect(cost.similarities["stage1"] == .init(relativeError: 0, correlation: 1))
    let stage2 = try #require(cost.similarities["stage2"])
    #expect(stage2.relativeError > 0 && stage2.relativeError < 0.02 && stage2.correlation > 0.99)
    // The same figures from the signals themselves.
    var errors: [Double] = []
    for batch in heldOut {
      let (a, b) = (matrix(try teacher.output(for: batch)), matrix(try exact.output(for: batch)))
      let norm = { (values: [Double]) in values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      errors.append(norm(zip(a, b).map { $0 - $1 }) / norm(b))
    }
    #expect(abs(errors.reduce(0, +) / 5 - stage2.relativeError) < 1e-6)
    let accuracy = try #require(cost.accuracy)
    let plain = try TinyNetwork(6, seed: 3).warmedUp().evaluation(
      on: heldOut.makeIterator(), classCount: TinyNetwork.classes)
    #expect(accuracy.float32 == plain.accuracy)
    #expect(LiveTeacher(TinyNetwork(6, seed: 3), statistics: statistics).quantizationCost == nil)
  }

  private func matrix(_ output: TeacherOutput) -> [Double] { output[.similarity("stage2")].elements(as: Double.self) }

  /// The same batches give the same steps, so that a resumed run hears the same teacher.
  @Test func calibrationIsAFunctionOfItsBatches() throws {
    let outputs = try (0..<2).map { _ in
      let teacher = try LiveTeacher(
        quantizing: TinyNetwork(6, seed: 3).warmedUp(), statistics: statistics, calibration: batches(7, 4),
        heldOut: batches(8, 1), comparingLabels: false)
      #expect(teacher.quantizationCost?.accuracy == nil)
      return try teacher.output(for: batches(9, 1)[0])[.logits].bytes()
    }
    #expect(outputs[0] == outputs[1])
  }

  @Test func damagedWeightsAreRefused() {
    let network = TinyNetwork(6, seed: 3).warmedUp()
    withoutGradients { network.bn1.bias.fillInPlace(.infinity) }
    #expect(throws: BrokenTeacher.self) {
      try LiveTeacher(
        quantizing: network, statistics: statistics, calibration: batches(7, 1), heldOut: batches(8, 1),
        comparingLabels: true)
    }
  }

  @Test func inputsThatAreNotFiniteGiveNoRange() {
    let endless = batches(7, 1).map { Batch($0.student * .infinity, labels: $0.labels, position: $0.position) }
    #expect(throws: QuantizationError.notFinite) {
      try LiveTeacher(
        quantizing: TinyNetwork(6, seed: 3).warmedUp(), statistics: statistics, calibration: endless,
        heldOut: batches(8, 1),
        comparingLabels: true)
    }
  }
}
