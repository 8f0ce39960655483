// What happens when libtorch refuses an operation.

import Testing
import Torch

@Suite struct ErrorTests {
  @Test func wrongShapeNamesOperationAndShapes() throws {
    let (a, b) = (Tensor.zeros([2, 3]), Tensor.zeros([4, 5], dtype: .float64))
    let error = #expect(throws: TorchError.self) { try withTorchErrors { a.matmul(b) } }
    #expect(error?.operation == "matmul(float32[2, 3], float64[4, 5])")
    #expect(error.map { !$0.message.isEmpty && !$0.message.contains("\n") } == true)
    #expect(error?.isOutOfMemory == false)
  }

  @Test func firstFailureIsTheOneThrown() throws {
    struct Later: Error {}
    let a = Tensor.zeros([2, 3])
    let error = #expect(throws: TorchError.self) {
      try withTorchErrors {
        let lost = a.reshaped([7])
        // Whatever is done with what is not there must not trap.
        let more = (lost + a).matmul(lost.relu()).sum().squared()
        more.backward()
        lost.addInPlace(1)
        _ = lost.gradient
        _ = more.elements(as: Float.self)
        throw Later()
      }
    }
    #expect(error?.operation == "reshape(float32[2, 3])")
  }

  @Test func ownErrorsAndResultsPass() throws {
    struct Own: Error {}
    #expect(throws: Own.self) { try withTorchErrors { throw Own() } }
    #expect(try withTorchErrors { Tensor.ones([2]).sum().item } == 2)
  }

  @Test func anInnerScopeKeepsItsFailure() throws {
    let shape = try withTorchErrors {
      #expect(throws: TorchError.self) { try withTorchErrors { Tensor.zeros([2]).reshaped([3]) } }
      return Tensor.zeros([2]).shape
    }
    #expect(shape == [2])
  }

  @Test func impossibleTensorsAreErrors() {
    #expect(throws: TorchError.self) { try withTorchErrors { Tensor([1, 2, 3] as [Float], shape: [2]) } }
    #expect(throws: TorchError.self) { try withTorchErrors { Tensor.zeros([-1]) } }
    let bytes: [UInt8] = [0, 0, 0]
    #expect(throws: TorchError.self) {
      try withTorchErrors { bytes.withUnsafeBytes { Tensor(bytes: $0, shape: [1], dtype: .float32) } }
    }
  }

  @Test func tooMuchMemoryIsSaidSo() {
    let error = #expect(throws: TorchError.self) { try withTorchErrors { Tensor.empty([1 << 45]) } }
    #expect(error?.isOutOfMemory == true)
  }

  /// Outside of a scope there is nobody to catch: the program stops with the operation's name.
  @Test func outsideOfAScopeItTraps() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([2, 3]).matmul(Tensor.zeros([4, 5]))
    }
    let said = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(said.contains("matmul(float32[2, 3], float32[4, 5])"))
  }
}
