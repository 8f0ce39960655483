// Modules: PyTorch's names, modes, and weights that fit or are refused whole.

import Testing
import Torch

/// A module with every kind of property there is.
private final class Sample: Module {
  let conv1: Convolution
  let layer: [Block]
  let shortcut: Convolution?
  let absent: Convolution?
  let scale = Tensor.ones([2])
  let size = 3

  override init() {
    let generator = Generator(seed: 0)
    conv1 = Convolution(1, 2, kernel: 3, bias: false, generator: generator)
    layer = [Block(), Block()]
    shortcut = Convolution(2, 2, kernel: 1, generator: generator)
    absent = nil
    super.init()
  }
}

private final class Block: Module {
  let norm = BatchNorm(2)
  override var entryNames: [String: String] { ["norm": "bn1"] }
}

@Suite struct ModuleTests {
  private static let names = [
    "conv1.weight",
    "layer.0.bn1.weight", "layer.0.bn1.bias", "layer.0.bn1.running_mean", "layer.0.bn1.running_var",
    "layer.0.bn1.num_batches_tracked",
    "layer.1.bn1.weight", "layer.1.bn1.bias", "layer.1.bn1.running_mean", "layer.1.bn1.running_var",
    "layer.1.bn1.num_batches_tracked",
    "shortcut.weight", "shortcut.bias", "scale",
  ]

  @Test func namesAreThoseOfAStateDict() {
    let module = Sample()
    #expect(module.state.map(\.name) == Self.names)
    #expect(module.parameters.count == 7)
    #expect(module.parameterCount == 18 + 2 * 4 + 4 + 2)
    #expect(module.modules.count == 7)
  }

  @Test func modesReachEveryModule() {
    let module = Sample()
    #expect(module.modules.map(\.isTraining) == Array(repeating: true, count: 7))
    module.evaluate()
    #expect(module.modules.map(\.isTraining) == Array(repeating: false, count: 7))
    module.train()
    #expect(module.modules.map(\.isTraining) == Array(repeating: true, count: 7))
    module.freeze()
    #expect(module.parameters.isEmpty)
    #expect(module.state.map(\.name) == Self.names)
  }

  /// Weights for `Sample` that differ from the fresh ones, changed by `change`.
  private func weights(_ change: (inout [String: Tensor]) -> Void) -> [String: Tensor] {
    var weights: [String: Tensor] = [:]
    for (name, tensor) in Sample().state { weights[name] = (tensor.detached() + 1).to(tensor.dtype) }
    change(&weights)
    return weights
  }

  @Test func loadCopiesEveryEntry() throws {
    let module = Sample()
    let weights = weights { _ in }
    try module.load(weights)
    for (name, tensor) in module.state { #expect(tensor.bytes() == weights[name]?.bytes(), "\(name)") }
    #expect(module.parameters.count == 7)
    // Older files lack the counter.
    try module.load(self.weights { $0["layer.0.bn1.num_batches_tracked"] = nil })
  }

  @Test(arguments: ["missing", "extra", "shape", "rank"])
  func loadRefusesWhatDoesNotFit(problem: String) {
    let weights = weights {
      switch problem {
      case "missing": $0["shortcut.bias"] = nil
      case "extra": $0["shortcut.extra"] = .zeros([1])
      case "shape": $0["shortcut.bias"] = .zeros([3])
      default: $0["scale"] = .zeros([2, 1])
      }
    }
    let module = Sample()
    let before = module.state.map { $0.tensor.bytes() }
    let error = #expect(throws: StateError.self) { try module.load(weights) }
    let entry = ["missing": "shortcut.bias", "extra": "shortcut.extra", "shape": "shortcut.bias", "rank": "scale"]
    #expect(error?.entry == entry[problem])
    #expect(error?.description.contains("'\(entry[problem] ?? "")'") == true)
    #expect(module.state.map { $0.tensor.bytes() } == before)
  }

  /// Values that no network can compute with: one of them is enough, wherever it is.
  @Test(arguments: [
    ("scale", Double.nan), ("shortcut.bias", .infinity), ("layer.0.bn1.running_mean", -.infinity),
    ("layer.0.bn1.running_var", -1),
  ])
  func loadRefusesBrokenValues(entry: String, value: Double) throws {
    let module = Sample()
    let weights = weights { $0[entry]?.reshaped([-1]).narrowed(0, 0..<1).fillInPlace(value) }
    let before = module.state.map { $0.tensor.bytes() }
    let error = #expect(throws: BrokenEntry.self) { try module.load(weights) }
    #expect(error?.entry == entry)
    #expect(module.state.map { $0.tensor.bytes() } == before)
  }

  @Test func moveKeepsValuesAndChangesLayout() {
    let generator = Generator(seed: 3)
    let convolution = Convolution(3, 4, kernel: 3, generator: generator)
    let before = convolution.weight.bytes()
    convolution.move(to: .cpu)
    #expect(convolution.weight.isContiguous(.channelsLast) && !convolution.weight.isContiguous())
    #expect(convolution.weight.bytes() == before)
    #expect(convolution.weight.requiresGradient)
  }
}
