// A captured sequence against the same work done directly, where there is a device; a plain refusal where there is none.

import Testing
import Torch

@Suite struct CUDAGraphTests {
  @Test(.enabled(if: Runtime.cudaDeviceCount == 0))
  func withoutADeviceItIsRefused() {
    let error = #expect(throws: TorchError.self) { try CUDAGraph() }
    #expect(error?.message.isEmpty == false)
  }

  @Test(.enabled(if: Runtime.cudaDeviceCount > 0))
  func replaysReadAndWriteTheCapturedMemory() throws {
    let device = Device.cuda(0)
    let (input, sum) = (Tensor.ones([3], device: device), Tensor.zeros([3], device: device))
    let graph = try CUDAGraph()
    let body = { sum.addInPlace(input * 2 + 1) }
    let results = try graph.inOrder {
      body()
      try graph.capture(body)
      let captured = sum.elements(as: Double.self)
      for value in [10.0, 100.0] {
        input.fillInPlace(value)
        graph.replay()
      }
      return [captured, sum.elements()]
    }
    #expect(results == [[3, 3, 3], [225, 225, 225]])
    #expect((sum + 1).elements(as: Double.self) == [226, 226, 226], "the outer stream did not wait")
  }
}
