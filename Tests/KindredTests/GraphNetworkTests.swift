// A network from a file inside of another, as SimKD makes of its student.

import GoldenFiles
import Graph
import Kindred
import TestSupport
import Testing
import Torch

@Suite struct GraphNetworkTests {
  private final class Around: Network {
    let inner: GraphNetwork

    init(_ inner: GraphNetwork) { self.inner = inner }

    override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? { inner.forward(input, taps).map { $0.relu() } }
  }

  /// Tracing looks at one image of zeros, which must not move the batch norms' statistics; the graph then trains as the
  /// network does by itself.
  @Test func itIsTracedAsItIs() throws {
    func network() throws -> GraphNetwork { GraphNetwork(try ONNXFile(Golden.file("onnx/small", "onnx")).graph) }
    let (alone, inside) = (try network(), Around(try network()))
    let before = inside.bytes
    let graph = try inside.graph(of: [3, 12, 10])
    #expect(inside.bytes == before)
    #expect(graph.nodes.contains { $0.operation == "BatchNormalization" })
    let images = Generator(seed: 1).normal([4, 3, 12, 10])
    let own = alone.activations(of: images, .logits).requiredLogits()
    let others = inside.activations(of: images, .logits).requiredLogits()
    #expect((own.relu() - others).abs().maximum().item < 1e-6)
    #expect(inside.inner.bytes == alone.bytes && inside.bytes != before)
  }
}
