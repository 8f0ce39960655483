// Networks in bfloat16 against the same in float32: as near as eight bits of precision allow, and no nearer.

import GoldenFiles
import Kindred
import KindredVision
import Testing
import Torch

@Suite struct PrecisionTests {
  private let everything = ActivationRequest(logits: true, taps: Set(Architecture(name: "resnet-8")?.taps ?? []))
  private let images = Generator(seed: 3).normal([16, 3, 32, 32]).contiguous(.channelsLast)
  private let labels = Tensor((0..<16).map { Int64($0 % 10) }, shape: [16])

  private func network(_ name: String) throws -> Network {
    let network = try #require(Architecture(name: name)).network(classes: 10, generator: Generator(seed: 1))
    network.move(to: .cpu)
    return network
  }

  /// 2^-9 for each rounding adds up over the layers. A difference of zero would mean that nothing was narrowed.
  private func expectNear(_ actual: Tensor, _ expected: Tensor, _ name: String) {
    #expect(actual.dtype == .float32)
    let error = relativeError(actual, expected)
    #expect(error < 0.03 && error > 1e-5, "\(name) is off by \(error)")
  }

  @Test(arguments: ["wrn-16-1", "resnet-8"], [false, true])
  func activationsAreNearFloat32s(name: String, isFolded: Bool) throws {
    let network = try network(name)
    for _ in 0..<2 { _ = withoutGradients { network.activations(of: images, .logits) } }
    network.evaluate()
    network.freeze()
    let (wide, narrow) = (FrozenNetwork(network), FrozenNetwork(network, .bfloat16))
    func given(in precision: Precision) -> Activations {
      if isFolded { return (precision == .float32 ? wide : narrow).activations(of: images, everything) }
      return network.activations(of: images, everything, in: precision)
    }
    try withoutGradients {
      let expected = given(in: .float32)
      let actual = given(in: .bfloat16)
      expectNear(actual.requiredLogits(), expected.requiredLogits(), "logits")
      for (tap, tensor) in actual.taps { expectNear(tensor, expected.tap(tap), tap) }
      // And float32 again, from the same packed weights' source.
      let again = given(in: .float32)
      #expect(again.requiredLogits().bytes() == expected.requiredLogits().bytes())
      try #require(withAutocast(.bfloat16, on: .cpu) { images.matmul(images) }.dtype == .bfloat16)
      #expect(images.matmul(images).dtype == .float32, "autocast was left on")
    }
  }

  @Test func whatIsKeptIsFloat32() throws {
    let (narrow, wide) = (try network("wrn-16-1"), try network("wrn-16-1"))
    let logits = narrow.activations(of: images, .logits, in: .bfloat16).requiredLogits()
    let loss = logits.crossEntropy(labels: labels)
    #expect(loss.dtype == .float32)
    loss.backward()
    wide.activations(of: images, .logits).requiredLogits().crossEntropy(labels: labels).backward()
    for ((name, tensor), (_, expected)) in zip(narrow.state, wide.state) where tensor.dtype.isFloatingPoint {
      #expect(tensor.dtype == .float32, "\(name)")
      guard tensor.requiresGradient else {
        #expect(relativeError(tensor, expected) < 0.03, "\(name)")
        continue
      }
      let (gradient, reference) = (try #require(tensor.gradient), try #require(expected.gradient))
      #expect(gradient.dtype == .float32, "\(name)")
      let cosine = (gradient * reference).sum() / (gradient.norm() * reference.norm())
      #expect(cosine.item > 0.85, "the gradient of \(name) points elsewhere: \(cosine.item)")
    }
  }

  /// The sums are far beyond the range of half precision and their differences below bfloat16's resolution.
  @Test func similaritiesAreThoseOfFloat32() throws {
    let network = try network("resnet-8")
    let request = ActivationRequest(taps: ["stage3"])
    let narrow = network.activations(of: images, request, in: .bfloat16).tap("stage3")
    let matrix = similarityMatrix(narrow * 1e3)
    let rows = narrow.to(.float64).contiguous().flattened(from: 1)
    let gram = rows.matmul(rows.transposed())
    #expect(relativeError(matrix, gram / gram.norm([1], keepingAxes: true)) < 1e-5)
  }

  /// Weights are narrowed anew for each step: a stale copy would give the first step's activations.
  @Test func changedWeightsCount() throws {
    let network = try network("resnet-8")
    network.evaluate()
    let first = network.activations(of: images, .logits, in: .bfloat16).requiredLogits().bytes()
    withoutGradients { for parameter in network.parameters { parameter.copyInPlace(parameter * 1.5) } }
    #expect(network.activations(of: images, .logits, in: .bfloat16).requiredLogits().bytes() != first)
  }
}
