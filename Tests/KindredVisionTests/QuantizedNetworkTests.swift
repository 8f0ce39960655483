// Whole networks in 8 bits, and in pieces, beside the plain ones.

import Graph
import Kindred
import KindredVision
import Testing
import Torch

/// Weights of seven bits, where the processor has no instructions for eight, are twice as coarse; what comes of it was
/// measured up to a tenth beyond that.
private let coarseness = QuantizedConvolution.largestWeight == 127 ? 1 : 2.2

private func batch(_ count: Int, seed: UInt64) -> Batch {
  Batch(
    Generator(seed: seed).normal([count, 3, 32, 32]).contiguous(.channelsLast),
    labels: Tensor([Int64](repeating: 0, count: count), shape: [count]), position: BatchPosition())
}

/// The norm of the difference over the norm of what is expected.
private func distance(_ actual: Tensor, _ expected: Tensor) -> Double {
  (actual - expected).norm().item / expected.norm().item
}

@Suite struct QuantizedNetworkTests {
  /// All but the first convolution work in int8. Every tap is asked for: a later block must not write over it. Rounding
  /// to 8 bits in up to 39 layers moved these activations by up to 4.6 per cent and the logits by 1.6.
  @Test(arguments: [("wrn-16-1", 15), ("wrn-40-2", 40), ("resnet-8", 9), ("resnet-20", 21), ("resnet-8x4", 10)])
  func int8IsCloseToFloat32(name: String, convolutions: Int) throws {
    let (plain, quantized) = (try usedNetwork(name), try usedNetwork(name))
    let frozen = FrozenNetwork(quantized)
    let count = try frozen.quantize(on: [batch(16, seed: 7).student], everything)
    #expect(count == QuantizationCount(quantized: convolutions - 1, of: convolutions))
    for (count, layout) in [(16, MemoryLayout4D.channelsLast), (3, .contiguous)] {
      let input = batch(count, seed: 8).student.contiguous(layout)
      let before = input.bytes()
      let (expected, actual) = withoutGradients {
        (plain.activations(of: input, everything), frozen.activations(of: input, everything))
      }
      #expect(distance(actual.requiredLogits(), expected.requiredLogits()) < 0.025 * coarseness)
      for tap in taps {
        #expect(actual.tap(tap).dtype == .float32)
        #expect(distance(actual.tap(tap), expected.tap(tap)) < 0.06 * coarseness, "\(tap) of \(count) images \(layout)")
      }
      #expect(input.bytes() == before, "the input was written over")
    }
  }

  /// A teacher works through a batch in pieces, the last of them smaller: whatever they are, 67 images are no multiple.
  @Test(arguments: ["wrn-16-1", "resnet-8"])
  func piecesAreTheWholeBatch(name: String) throws {
    let statistics: Set<TeacherStatistic> = Set(taps.map { .activation($0) } + [.logits])
    let batch = batch(67, seed: 9)
    let expected = withoutGradients { try? usedNetwork(name).activations(of: batch.student, everything) }
    let whole = try #require(expected)
    let output = try LiveTeacher(try usedNetwork(name), statistics: statistics).output(for: batch)
    #expect(distance(output[.logits], whole.requiredLogits()) < 1e-4)
    for tap in taps { #expect(distance(output[.activation(tap)], whole.tap(tap)) < 1e-4) }
  }
}
