// From code to a graph and back to numbers: what is taken down, what is refused, and that the graph computes the same.

import Graph
import TestSupport
import Testing
import Torch

/// Two convolutions with batch norms, a residual sum with clipping, two poolings, a concatenation of halves and a classifier.
final class Branching: Module {
  let stem: Convolution
  let norm: BatchNorm
  let conv: Convolution
  let fc: Linear

  init(seed: UInt64 = 1) {
    let generator = Generator(seed: seed)
    stem = Convolution(3, 8, kernel: 3, .init(stride: 2, padding: 1), bias: false, generator: generator)
    norm = BatchNorm(8)
    conv = Convolution(8, 8, kernel: 3, .init(padding: 1, groups: 4), generator: generator)
    fc = Linear(8, 5, generator: generator)
    super.init()
    withoutGradients {
      generator.fillUniform(norm.runningVariance, 0.5..<2)
      generator.fillNormal(norm.runningMean)
      generator.fillNormal(norm.bias)
    }
  }

  func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    let active = norm(stem(input)).relu()
    taps["active"] = active
    let sum = (conv(active) + active).hardtanh(0...6)
    taps["sum"] = sum
    let shuffled = sum.maxPooled(3, stride: 1, padding: 1).channelsShuffled(groups: 2)
    let halves = Tensor.concatenated([shuffled.narrowed(1, 4..<8), shuffled.narrowed(1, 0..<4)], axis: 1)
    let pooled = halves.averagePooled(2, stride: 1).averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    return fc(pooled)
  }

  func graph(_ inputShape: [Int] = [3, 9, 7]) throws -> Graph {
    try Graph(tracing: inputShape, state: state, forward)
  }
}

@Suite struct TracingTests {
  @Test func operationsAreONNXs() throws {
    let graph = try Branching().graph()
    #expect(
      graph.nodes.map(\.operation) == [
        "Conv", "BatchNormalization", "Relu", "Conv", "Add", "Clip", "MaxPool", "Reshape", "Transpose", "Reshape",
        "Slice", "Slice", "Concat", "AveragePool", "GlobalAveragePool", "Flatten", "Gemm",
      ])
    #expect(graph.nodes[0].inputs == ["images", "stem.weight"] && graph.nodes[0].outputs == ["stem"])
    #expect(
      graph.nodes[0].attributes == [
        "kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1]),
        "dilations": .ints([1, 1]),
        "group": .int(1),
      ])
    #expect(graph.nodes[1].inputs.dropFirst() == ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"])
    #expect(graph.taps == [.init(name: "active", value: "relu"), .init(name: "sum", value: "clip")])
    #expect(graph.shapes["stem"] == [8, 5, 4] && graph.shapes["averagepool"] == [8, 4, 3] && graph.logits == "fc")
    #expect(graph.shapes["transpose"] == [4, 2, 5, 4])
    #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
  }

  /// Counted by hand: each output of a convolution is a sum over its filter.
  @Test func costs() throws {
    let (network, graph) = (Branching(), try Branching().graph())
    #expect(graph.parameterCount == network.parameterCount)
    #expect(graph.parameterCount == 8 * 27 + 16 + 8 * 18 + 8 + 45)
    #expect(graph.multiplyAdds == 8 * 20 * 27 + 8 * 20 * 18 + 40)
  }

  /// In training mode and in evaluation mode: values, gradients, running statistics, on several batches of one graph.
  @Test(arguments: [true, false])
  func theGraphComputesWhatTheCodeDoes(isTraining: Bool) throws {
    let (written, traced) = (Branching(), Branching())
    let graph = try traced.graph()
    let programs = Programs()
    let outputs = ["relu", "clip", try #require(graph.logits)]
    for module in [written, traced] { module.train(isTraining) }
    for count in [4, 1, 4] {
      let input = Generator(seed: UInt64(count)).normal([count, 3, 9, 7])
      let taps = Taps()
      let logits = try #require(written.forward(input, taps))
      let given = try programs.run(graph, on: input, for: outputs, isTraining: isTraining)
      for (value, expected) in zip(given, [taps["active"], taps["sum"], logits]) {
        #expect(value.bytes() == expected?.bytes())
      }
      for loss in [logits.squared().sum(), given[2].squared().sum()] { loss.backward() }
    }
    for ((name, tensor), (_, expected)) in zip(traced.state, written.state) {
      #expect(tensor.bytes() == expected.bytes(), "\(name)")
      #expect(tensor.gradient?.bytes() == expected.gradient?.bytes(), "the gradient of \(name)")
    }
  }

  /// Without being asked for anything between, sums and ReLUs work in place; the same comes out.
  @Test func whatIsAskedForChangesNothing() throws {
    let network = Branching()
    network.evaluate()
    let (graph, programs, input) = (try network.graph(), Programs(), Generator(seed: 2).normal([3, 3, 9, 7]))
    let logits = try programs.run(graph, on: input, for: ["fc"])[0].bytes()
    let before = input.bytes()
    for value in graph.nodes.flatMap(\.outputs) {
      let given = try programs.run(graph, on: input, for: [value, "fc"])
      let alone = try programs.run(graph, on: input, for: [value])
      #expect(given[1].bytes() == logits && given[0].bytes() == alone[0].bytes(), "\(value)")
    }
    #expect(input.bytes() == before)
  }

  /// Weights that are computed, here as sums of two, are computed anew each time and get gradients.
  @Test func whatIsMadeOfParametersIsNoConstant() throws {
    let (one, other) = (Linear(4, 3, generator: Generator(seed: 1)), Linear(4, 3, generator: Generator(seed: 2)))
    let state = one.state.map { ("one." + $0.name, $0.tensor) } + other.state.map { ("other." + $0.name, $0.tensor) }
    let graph = try Graph(tracing: [4], state: state) { input, _ in input.linear(one.weight + other.weight) }
    let input = Generator(seed: 3).normal([2, 4])
    withoutGradients { one.weight.copyInPlace(one.weight * 2) }
    let output = try Programs().run(graph, on: input, for: ["gemm"])[0]
    #expect(output.bytes() == input.linear(one.weight + other.weight).bytes())
    output.sum().backward()
    #expect(one.weight.gradient?.bytes() == other.weight.gradient?.bytes() && one.weight.gradient != nil)
  }

  @Test(arguments: [
    ("in place", "relu_"), ("looking at numbers", "elements"), ("an unknown operation", "exp"), ("a number", "mul"),
  ])
  func whatNoGraphHoldsIsRefused(what: String, operation: String) throws {
    let network = Branching()
    let error = #expect(throws: UntraceableNetwork.self) {
      _ = try Graph(tracing: [3, 9, 7], state: network.state) { input, _ in
        let output = network.stem(input)
        switch what {
        case "in place":
          output.reluInPlace()
          return output
        case "looking at numbers": return output.elements(as: Float.self).count > 0 ? output : output.relu()
        case "an unknown operation": return output.exp()
        default: return output * 2
        }
      }
    }
    #expect(error?.description.contains("the operation \(operation)") == true, "\(String(describing: error))")
  }
}

@Suite struct DropoutTests {
  /// What is dropped is a function of the step's seed and the operation alone; in evaluation nothing is.
  @Test func theStepsSeedDecides() throws {
    let nodes = ["one", "two"].map {
      Graph.Node(name: $0, operation: "Dropout", inputs: ["images", "ratio"], outputs: [$0])
    }
    let graph = Graph(
      input: "images", inputShape: [1000], logits: nil, taps: [], nodes: nodes, tensors: ["ratio": Tensor(0.25)],
      shapes: ["one": [1000], "two": [1000]])
    let ones = Tensor.ones([4, 1000])
    func dropped(_ seed: UInt64, isTraining: Bool = true) throws -> [[Float]] {
      try StepSeed.$current.withValue(seed) {
        try Programs().run(graph, on: ones, for: ["one", "two"], isTraining: isTraining).map { $0.elements() }
      }
    }
    let first = try dropped(1)
    #expect(try dropped(1) == first && first[0] != first[1])
    #expect(try dropped(2)[0] != first[0])
    #expect(try dropped(1, isTraining: false).allSatisfy { $0.allSatisfy { $0 == 1 } })
    // 4,000 draws: the share is within five deviations of a quarter, and what is kept makes up for it.
    let share = Double(first[0].count { $0 == 0 }) / 4000
    #expect(abs(share - 0.25) < 0.035)
    #expect(first[0].allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
  }
}

@Suite struct TracedDropoutTests {
  /// A dropout before each of two linear layers.
  private final class Dropping: Module {
    let first = Dropout(0.5)
    let fc: Linear
    let second = Dropout(0.25)
    let head: Linear

    init(seed: UInt64) {
      let generator = Generator(seed: seed)
      fc = Linear(400, 400, generator: generator)
      head = Linear(400, 3, generator: generator)
    }

    func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
      let kept = first(input)
      taps["kept"] = kept
      return head(second(fc(kept)))
    }
  }

  /// Traced in either mode the graph has both, drops what the code drops in training and nothing in evaluation.
  @Test(arguments: [true, false])
  func theGraphDropsWhatTheCodeDrops(tracedInTraining: Bool) throws {
    let network = Dropping(seed: 1)
    network.train(tracedInTraining)
    let graph = try Graph(tracing: [400], state: network.state, network.forward)
    #expect(graph.nodes.map(\.operation) == ["Dropout", "Gemm", "Dropout", "Gemm"])
    #expect(graph.nodes.map(\.name) == ["dropout", "fc", "dropout_1", "head"])
    let input = Generator(seed: 2).normal([5, 400])
    for isTraining in [true, false] {
      network.train(isTraining)
      let (written, run) = try StepSeed.$current.withValue(7) {
        (
          try #require(DropoutPlaces.counted { network.forward(input, Taps()) }),
          try Programs().run(graph, on: input, for: ["head", "dropout_1"], isTraining: isTraining)
        )
      }
      #expect(written.bytes() == run[0].bytes())
      let share = Double(run[1].elements(as: Float.self).count { $0 == 0 }) / 2000
      #expect(isTraining ? abs(share - 0.25) < 0.05 : share == 0)
    }
  }

  /// A dropout that is asked for stays as ONNX's, which drops nothing unless it is told to train.
  @Test func nothingIsDroppedInAFile() throws {
    let network = Dropping(seed: 1)
    let graph = try Graph(tracing: [400], state: network.state, network.forward)
    let cases = [(ONNXExport(), ["Gemm", "Gemm"]), (ONNXExport(taps: ["kept"]), ["Dropout", "Gemm", "Gemm"])]
    for (export, operations) in cases {
      try withTestFolder { folder in
        let file = folder.appending(path: "dropping.onnx")
        try graph.onnx(export).write(to: file)
        let read = try ONNXFile(file).graph
        #expect(read.nodes.map(\.operation) == operations)
        let input = Generator(seed: 2).normal([5, 400])
        let given = try withoutGradients { try Programs().run(read, on: input, for: [try #require(read.logits)])[0] }
        #expect(given.bytes() == withoutGradients { network.head(network.fc(input)) }.bytes())
      }
    }
  }
}

@Suite struct FrozenLayersTests {
  private func frozen() throws -> (network: Branching, graph: Graph, layers: FrozenLayers, programs: Programs) {
    let network = Branching()
    network.freeze()
    network.evaluate()
    network.move(to: .cpu)
    let layers = FrozenLayers()
    return (network, try network.graph(), layers, Programs(frozen: layers))
  }

  /// The sum is written over its residual only where nobody else reads that.
  @Test func fusedLayersAreThePlainOnes() throws {
    let (network, graph, _, programs) = try frozen()
    let input = Generator(seed: 2).normal([3, 3, 9, 7]).contiguous(.channelsLast)
    let before = input.bytes()
    for outputs in [["fc"], ["relu", "clip", "fc"], ["stem", "norm", "fc"], ["conv", "add"], ["slice"]] {
      let plain = try withoutGradients { try Programs().run(graph, on: input, for: outputs) }
      let fused = try withoutGradients { try programs.run(graph, on: input, for: outputs) }
      for (output, (one, other)) in zip(outputs, zip(plain, fused)) {
        let error = (one - other).norm().item / one.norm().item
        #expect(error < 1e-5, "\(output) of \(outputs)")
      }
    }
    #expect(input.bytes() == before && network.state.allSatisfy { $0.tensor.isFinite.sum().item > 0 })
  }

  @Test func int8NeedsInputsThatAreNotNegative() throws {
    let (_, graph, layers, programs) = try frozen()
    let input = Generator(seed: 2).normal([3, 3, 9, 7]).contiguous(.channelsLast)
    func run(_ input: Tensor) throws { _ = try programs.run(graph, on: input, for: ["fc"]) }
    #expect(throws: QuantizationError.nothingToQuantize) { try layers.quantize(graph) {} }
    #expect(throws: QuantizationError.notFinite) { try layers.quantize(graph) { try run(input * Double.nan) } }
    #expect(try layers.quantize(graph) { try run(input) } == QuantizationCount(quantized: 1, of: 2))
    programs.removeAll()
    let plain = try withoutGradients { try Programs().run(graph, on: input, for: ["fc", "clip"]) }
    let int8 = try withoutGradients { try programs.run(graph, on: input, for: ["fc", "clip"]) }
    for (one, other) in zip(plain, int8) {
      let error = (one - other).norm().item / one.norm().item
      #expect(error > 1e-5 && error < 0.03)
    }
  }
}
