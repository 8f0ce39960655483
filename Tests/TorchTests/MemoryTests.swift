// Training must not leak: tensors, graphs, gradients and temporaries all go.

import Foundation
import Testing
import Torch

@Suite struct MemoryTests {
  /// In a process of its own, since other tests allocate meanwhile. The smallest of a step's maps takes 6 kB: lost at
  /// each step it would show as 6 MB, the larger ones as 32 MB.
  @Test func aThousandTrainingStepsLeaveResidentMemoryFlat() async {
    await #expect(processExitsWith: .success) {
      Runtime.threadCount = 1
      let step = trainingStep()
      for _ in 0..<100 { step() }
      let before = try #require(residentKilobytes())
      for _ in 0..<1000 { step() }
      let growth = try #require(residentKilobytes()) - before
      #expect(growth < 4 * 1024, "resident memory grew by \(growth) kB")
    }
  }
}

/// One step of SGD on a small convolutional network with batch norm, from images to changed weights.
private func trainingStep() -> () -> Void {
  let generator = Generator(seed: 1)
  let convolution = Convolution(3, 16, kernel: 3, .init(padding: 1), generator: generator)
  let norm = BatchNorm(16)
  let linear = Linear(16 * 4 * 4, 10, generator: generator)
  let parameters = [convolution, norm, linear].flatMap(\.parameters)
  let optimizer = SGD(parameters, learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4, nesterov: true)
  return {
    let images = generator.normal([8, 3, 8, 8]).contiguous(.channelsLast)
    let labels = generator.permutation(8)
    let logits = linear(norm(convolution(images)).relu().averagePooled(2).flattened(from: 1))
    let loss = logits.crossEntropy(labels: labels)
    precondition(loss.item.isFinite)
    loss.backward()
    optimizer.step()
  }
}

/// This process's VmRSS.
private func residentKilobytes() -> Int? {
  let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
  return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
}

@Suite struct TensorBufferTests {
  @Test func theTensorTakesTheMemoryAndFreesIt() {
    weak var owner: TensorBuffer<Float>?
    do {
      let view: Tensor
      do {
        let buffer = TensorBuffer<Float>(count: 6)
        _ = buffer.elements.update(fromContentsOf: [0, 1, 2, 3, 4, 5])
        owner = buffer
        let tensor = Tensor(buffer, shape: [2, 3])
        tensor.addInPlace(1)
        #expect(buffer.elements[5] == 6, "the tensor has a copy")
        view = tensor[1]
      }
      #expect(view.elements() == [4, 5, 6] as [Float])
      #expect(owner != nil, "the memory was freed under a tensor")
    }
    #expect(owner == nil, "the memory was never freed")
  }
}
