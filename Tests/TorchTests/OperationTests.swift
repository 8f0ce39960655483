// The operations of networks and losses against PyTorch: values, and the gradients of sum(y * r) at every input.

import GoldenFiles
import Testing
import Torch

/// An operation of the golden file and how Kindred spells it.
struct OperationCase: Sendable, CustomTestStringConvertible {
  let name: String
  let inputs: [String]
  let apply: @Sendable ([Tensor]) -> Tensor

  init(_ name: String, _ inputs: [String] = ["input"], _ apply: @escaping @Sendable ([Tensor]) -> Tensor) {
    self.name = name
    self.inputs = inputs
    self.apply = apply
  }

  var testDescription: String { name }

  static let all: [OperationCase] = [
    .init("conv2d", ["input", "weight", "bias"]) { $0[0].convolved($0[1], bias: $0[2]) },
    .init("conv2d-strided", ["input", "weight", "bias"]) {
      $0[0].convolved($0[1], bias: $0[2], .init(stride: 2, padding: 1))
    },
    .init("conv2d-grouped", ["input", "weight"]) { $0[0].convolved($0[1], .init(padding: 1, groups: 2)) },
    .init("conv2d-1x1", ["input", "weight"]) { $0[0].convolved($0[1], .init(stride: 2)) },
    .init("linear", ["input", "weight", "bias"]) { $0[0].linear($0[1], bias: $0[2]) },
    .init("max-pool") { $0[0].maxPooled(2) },
    .init("max-pool-3-2-1") { $0[0].maxPooled(3, stride: 2, padding: 1) },
    .init("avg-pool") { $0[0].averagePooled(2) },
    .init("avg-pool-3-2-1") { $0[0].averagePooled(3, stride: 2, padding: 1) },
    .init("adaptive-pool-3x2") { $0[0].averagePooled(toHeight: 3, width: 2) },
    .init("adaptive-pool-1x1") { $0[0].averagePooled(toHeight: 1, width: 1) },
    .init("relu") { $0[0].relu() },
    .init("softmax") { $0[0].softmax(1) },
    .init("log-softmax") { $0[0].logSoftmax(1) },
    .init("cross-entropy", ["input", "target"]) { $0[0].crossEntropy(labels: $0[1]) },
    // PyTorch's "batchmean" of probabilities, spelled with logarithms and a sum.
    .init("kl-div", ["input", "target"]) { $0[0].klDivergence(logTarget: $0[1].log()) / 5 },
    .init("mse", ["input", "target"]) { $0[0].meanSquaredError($0[1]) },
    .init("bilinear") { $0[0].interpolated(height: 10, width: 4) },
    .init("nearest") { $0[0].interpolated(height: 10, width: 4, bilinear: false) },
    .init("silu") { SiLU()($0[0]) },
    .init("gelu") { GELU()($0[0]) },
    .init("gelu-tanh") { GELU(approximate: .tanh)($0[0]) },
    .init("tanh") { Tanh()($0[0]) },
    .init("layer-norm", ["input", "weight", "bias"]) {
      $0[0].layerNormalized([7, 6], weight: $0[1], bias: $0[2], epsilon: 1e-3)
    },
    .init("layer-norm-plain") { LayerNorm([6], elementwiseAffine: false)($0[0]) },
    .init("group-norm", ["input", "weight", "bias"]) {
      $0[0].groupNormalized(2, weight: $0[1], bias: $0[2], epsilon: 1e-3)
    },
    .init("group-norm-plain") { GroupNorm(4, 4, affine: false)($0[0]) },
  ]
}

@Suite struct OperationTests {
  /// One operation's rounding in float32.
  static let tolerance = 1e-5

  @Test(arguments: OperationCase.all)
  func agreesWithPyTorch(_ operation: OperationCase) throws {
    let golden = try Golden("torch")
    let inputs = try operation.inputs.map { try golden["\(operation.name)/\($0)"] }
    for input in inputs where input.dtype.isFloatingPoint { input.requiresGradient = true }
    let output = operation.apply(inputs)
    #expect(relativeError(output, try golden["\(operation.name)/y"]) < Self.tolerance)
    (output * (try golden["\(operation.name)/r"])).sum().backward()
    for (name, input) in zip(operation.inputs, inputs) where input.requiresGradient {
      let gradient = try #require(input.gradient, "no gradient at \(name)")
      #expect(relativeError(gradient, try golden["\(operation.name)/d\(name)"]) < Self.tolerance, "at \(name)")
    }
  }

  @Test(arguments: [(name: "batch-norm-train", isTraining: true), (name: "batch-norm-eval", isTraining: false)])
  func batchNorm(name: String, isTraining: Bool) throws {
    let golden = try Golden("torch")
    let norm = BatchNorm(4)
    try norm.load([
      "weight": golden["\(name)/weight"], "bias": golden["\(name)/bias"],
      "running_mean": golden["\(name)/running_mean"], "running_var": golden["\(name)/running_var"],
    ])
    norm.train(isTraining)
    let input = try golden["\(name)/input"]
    input.requiresGradient = true
    let output = norm(input)
    #expect(relativeError(output, try golden["\(name)/y"]) < Self.tolerance)
    (output * (try golden["\(name)/r"])).sum().backward()
    #expect(relativeError(try #require(input.gradient), try golden["\(name)/dinput"]) < Self.tolerance)
    #expect(relativeError(try #require(norm.weight.gradient), try golden["\(name)/dweight"]) < Self.tolerance)
    #expect(relativeError(try #require(norm.bias.gradient), try golden["\(name)/dbias"]) < Self.tolerance)
    #expect(relativeError(norm.runningMean, try golden["\(name)/running_mean-after"]) < Self.tolerance)
    #expect(relativeError(norm.runningVariance, try golden["\(name)/running_var-after"]) < Self.tolerance)
    #expect(norm.batchesTracked.item == (isTraining ? 1 : 0))
  }

  /// The layout in memory is no part of an operation's meaning.
  @Test func channelsLastConvolutionIsTheSame() throws {
    let golden = try Golden("torch")
    let input = try golden["conv2d-strided/input"].contiguous(.channelsLast)
    let weight = try golden["conv2d-strided/weight"].contiguous(.channelsLast)
    let output = input.convolved(weight, bias: try golden["conv2d-strided/bias"], .init(stride: 2, padding: 1))
    #expect(output.isContiguous(.channelsLast) && !output.isContiguous())
    #expect(relativeError(output, try golden["conv2d-strided/y"]) < Self.tolerance)
  }

  /// From differences: products of rows would lose a distance that is small beside the rows.
  @Test func distancesOfRows() throws {
    let rows = Tensor([10_000, 0, 10_000, 0.25, 10_003, 4, 10_000, 0] as [Float], shape: [4, 2])
    rows.requiresGradient = true
    let distances = rows.cdist(rows)
    #expect(distances[0].elements() == [0, 0.25, 5, 0] as [Float])
    let gradient = try #require(distances[0].sum().gradients(of: [rows])[0])
    #expect(relativeError(gradient[0], Tensor([-0.6, -1.8] as [Float], shape: [2])) < 1e-6)
    #expect(gradient[3].elements() == [0, 0] as [Float])
  }

  @Test(arguments: [[5, 7], [3, 4, 2]])
  func productsOfRows(shape: [Int]) throws {
    let generator = Generator(seed: 3)
    let rows = generator.normal(shape).to(.float64)
    rows.requiresGradient = true
    let (products, plain) = (rows.gram(), rows.matmul(rows.transposed()))
    #expect(products.bytes() == plain.bytes())
    let slopes = generator.normal(products.shape).to(.float64)
    let gradient = try #require((products * slopes).sum().gradients(of: [rows])[0])
    let wanted = try #require((plain * slopes).sum().gradients(of: [rows])[0])
    #expect(relativeError(gradient, wanted) < 1e-14)
  }

  /// The gradient keeps the layout, for the sake of the convolutions behind it.
  @Test(arguments: [[], [1], [0, -1]])
  func meanSquare(axes: [Int]) throws {
    let generator = Generator(seed: 4)
    let maps = generator.normal([2, 5, 3, 4]).to(.float64).contiguous(.channelsLast)
    maps.requiresGradient = true
    let (mean, plain) = (maps.meanSquare(axes), maps.squared().mean(axes))
    #expect(mean.bytes() == plain.bytes())
    let slopes = generator.normal(mean.shape).to(.float64)
    let gradient = try #require((mean * slopes).sum().gradients(of: [maps])[0])
    let wanted = try #require((plain * slopes).sum().gradients(of: [maps])[0])
    #expect(relativeError(gradient, wanted) < 1e-14)
    #expect(gradient.isContiguous(.channelsLast))
  }

  @Test func threshold() throws {
    let x = Tensor([-1, 2, 3] as [Double], shape: [3])
    x.requiresGradient = true
    let y = x.threshold(2, .infinity)
    #expect(y.elements() == [.infinity, .infinity, 3] as [Double])
    let gradient = try #require(y.sum().gradients(of: [x])[0])
    #expect(gradient.elements() == [0, 0, 1] as [Double])
  }

  @Test func gradientsOfLeaveTheLeavesAlone() throws {
    let x = Tensor([1, 2, 3] as [Double], shape: [3])
    let unused = Tensor.zeros([2])
    x.requiresGradient = true
    unused.requiresGradient = true
    let gradients = (x * x * x).sum().gradients(of: [x, unused])
    #expect(gradients[0]?.elements() == [3, 12, 27] as [Double])
    #expect(gradients[1] == nil)
    #expect(x.gradient == nil)
  }

  @Test func withoutGradientsRecordsNothing() {
    let x = Tensor.ones([2])
    x.requiresGradient = true
    let y = withoutGradients { x * 2 }
    #expect(!y.requiresGradient)
    #expect((x * 2).requiresGradient)
  }
}
