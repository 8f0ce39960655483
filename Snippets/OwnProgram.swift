import Foundation
import Graph
import Kindred
import KindredVision
import Torch

/// Random numbers that a seed names.
struct Noise: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 32)
  }
}

/// Discs and squares on noise: grey images of 16 x 16 bytes, and the class of each.
func shapes(count: Int, seed: UInt64) -> ImageSet {
  var noise = Noise(state: seed)
  var pixels: [UInt8] = []
  for index in 0..<count {
    let (x, y) = (Int.random(in: 5...10, using: &noise), Int.random(in: 5...10, using: &noise))
    let radius = Int.random(in: 2...4, using: &noise)
    for row in 0..<16 {
      for column in 0..<16 {
        let (dx, dy) = (column - x, row - y)
        let isInside = index % 2 == 0 ? dx * dx + dy * dy <= radius * radius : max(abs(dx), abs(dy)) <= radius
        pixels.append(.random(in: 0..<128, using: &noise) + (isInside ? 96 : 0))
      }
    }
  }
  return ImageSet(
    name: "shapes", width: 16, height: 16, channels: 1, classNames: ["disc", "square"], pixels: pixels,
    labels: (0..<count).map { Int32($0 % 2) }, channelMean: [0.3], channelDeviation: [0.2])
}

let data = ImageData(
  training: shapes(count: 2_000, seed: 1), test: shapes(count: 500, seed: 2), augmentation: Augmentation(flip: true))

/// A stage and a linear layer on its mean.
final class OneStage: Network {
  let convolution: Convolution
  let norm: BatchNorm
  let fc: Linear

  init(width: Int, classes: Int, generator: Generator) {
    convolution = Convolution(1, width, kernel: 5, .init(padding: 2), bias: false, generator: generator)
    norm = BatchNorm(width)
    fc = Linear(width, classes, generator: generator)
  }

  override var classifier: Linear? { fc }

  override func forward(_ images: Tensor, _ taps: Taps) -> Tensor? {
    let map = norm(convolution(images)).relu()
    taps["stage1"] = map
    let pooled = map.averagePooled(toHeight: 1, width: 1).flattened(from: 1)
    taps["pooled"] = pooled
    return fc(pooled)
  }
}

/// The mean squared difference of centred logits.
struct CentredLogits: Method, DistillationLoss {
  static let card = MethodCard(
    name: "centred", paper: "none", formula: "mean((c(z_s) - c(z_t))^2), c(z) = z - mean(z)", agreesWith: nil,
    compares: "logits", records: "the logits", weight: 1)

  func loss(for setup: LossSetup) throws -> any DistillationLoss {
    try setup.requireSameClasses()
    return self
  }

  var statistics: Set<TeacherStatistic> { [.logits] }
  var request: ActivationRequest { .logits }

  func callAsFunction(_ step: Step) -> Tensor {
    centred(step.student.requiredLogits()).meanSquaredError(centred(step.teacher[.logits]))
  }

  private func centred(_ logits: Tensor) -> Tensor { logits - logits.mean([1], keepingAxes: true) }
}

let recipe = Recipe(
  epochs: 5, batchSize: 50, optimizer: .sgd(learningRate: 0.1), schedule: LearningRateSchedule(.cosine(minimum: 0)))

/// Trains to the end and says how it went.
func train(_ name: String, _ distiller: Distiller) throws {
  while let event = try distiller.next() {
    if case .epoch(let report) = event { print("\(name), epoch \(report.epoch): \(report.accuracy ?? 0)") }
  }
}

let teacher = OneStage(width: 64, classes: 2, generator: Generator(seed: 1))
try train("teacher", Distiller(teacher, recipe: recipe, data: data))

let student = OneStage(width: 8, classes: 2, generator: Generator(seed: 2))
let distiller = try Distiller(
  student, teacher: .live(teacher), losses: [.crossEntropy(), .method(CentredLogits()), .similarity(weight: 100)],
  recipe: recipe, data: data)
try train("student", distiller)

try distiller.student.save(to: "student.safetensors")
let export = ONNXExport(
  input: .bytes(mean: [0.3], deviation: [0.2]), taps: ["pooled"], metadata: ["classes": "disc, square"])
try distiller.student.graph(of: data.inputShape).onnx(export).write(to: URL(filePath: "student.onnx"))
