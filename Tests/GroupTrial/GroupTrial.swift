// One of several processes in the tests of process groups: does what its first argument names and prints what it found as
// JSON.

import Foundation
import Graph
import Kindred
import KindredVision
import Torch

@main
struct GroupTrial {
  static func main() {
    do {
      try run()
    } catch {
      try? FileHandle.standardError.write(contentsOf: Data("\(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 1, let launch = try Launch(ProcessInfo.processInfo.environment) else {
      fatalError("this program is started by tests, which say what it is to do")
    }
    Runtime.threadCount = 1
    let meeting = try Meeting(launch, facts: ["task": arguments[1]], timeout: 60)
    let group = meeting.group
    let found: [String: [Double]] =
      switch arguments[1] {
      case "exchanges": try Exchanges(group).all()
      case "methods": try MethodTrial(group).all()
      case "run": try RunTrial(group, syncBatchNorm: arguments.contains("sync"), scope: .global).weights()
      case "local": try RunTrial(group, syncBatchNorm: false, scope: .local).weights()
      default: fatalError("there is no task '\(arguments[1])'")
      }
    try group.leave()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    print(String(decoding: try encoder.encode(found), as: UTF8.self))
  }
}

/// The exchanges themselves, with numbers that tell the ranks apart.
private struct Exchanges {
  private let group: ProcessGroup

  init(_ group: ProcessGroup) { self.group = group }

  func all() throws -> [String: [Double]] {
    let own = Double(group.rank.index + 1)
    let (sum, largest, first) = (Tensor.full([3], own), Tensor.full([2], own), Tensor.full([2, 2], own))
    try group.allReduce(sum)
    try group.allReduce(largest, .maximum)
    try group.broadcast(first)
    let counts = Tensor([Int64(group.rank.index)], shape: [1])
    try group.allReduce(counts)
    // Seven rows are no multiple of two or three.
    let rows = group.rank.rows(of: 7)
    let all = Tensor((0..<14).map(Double.init), shape: [7, 2])
    let leaf = all.narrowed(0, rows).clone()
    leaf.requiresGradient = true
    let whole = try group.gatherRowsForAll(leaf, of: 7)
    (whole * whole).sum().backward()
    let maps = Tensor((0..<56).map(Double.init), shape: [7, 2, 2, 2]).contiguous(.channelsLast)
    let gatheredMaps = try group.gatherRows(maps.narrowed(0, rows), of: 7)
    return [
      "sum": sum.elements(), "maximum": largest.elements(), "broadcast": first.elements(),
      "counts": counts.to(.float64).elements(), "rows": whole.detached().elements(),
      "gradient": leaf.gradient?.elements() ?? [], "maps": gatheredMaps.elements(),
    ]
  }
}

/// Every method's value, gradients and state on shared rows, against those of one process with all rows, in float64.
private struct MethodTrial {
  private static let count = 7
  private let group: ProcessGroup
  private let images = Generator(seed: 5).normal([MethodTrial.count, 3, 32, 32], dtype: .float64)
  /// The last inputs have no class.
  private let labels = Tensor([0, 1, 2, 3, 1, -1, -1] as [Int64], shape: [MethodTrial.count])

  init(_ group: ProcessGroup) { self.group = group }

  /// For each method the largest relative errors of value, gradients and state.
  func all() throws -> [String: [Double]] {
    var errors: [String: [Double]] = [:]
    for type in Methods.all {
      for method in MethodTrial.variants(of: type) { errors[method.name] = try compare(method.method) }
    }
    return errors
  }

  private static func variants<M: Method>(of type: M.Type) -> [(name: String, method: any Method)] {
    var all: [(String, any Method)] = [(M.card.name, M())]
    for option in M.settings {
      guard case .flag = option.kind else { continue }
      var method = M()
      option.set(&method, .flag(true))
      all.append(("\(M.card.name) \(option.key)", method))
    }
    return all
  }

  private func compare(_ method: any Method) throws -> [Double] {
    let alone = try Outcome(method, batch(of: .only), ProcessGroup())
    let shared = try Outcome(method, batch(of: group.rank), group)
    return [
      error([shared.value], [alone.value]), error(shared.gradients, alone.gradients), error(shared.state, alone.state),
    ]
  }

  private func batch(of rank: Rank) -> Batch {
    Batch(images, labels: labels, position: BatchPosition(epoch: 20)).part(of: rank)
  }

  private func error(_ found: [Tensor], _ expected: [Tensor]) -> Double {
    zip(found, expected).map { found, expected in
      (found - expected).abs().maximum().item / max(expected.abs().maximum().item, 1e-6)
    }.max() ?? .infinity
  }
}

/// What a step of a method beside cross-entropy leaves.
private struct Outcome {
  let value: Tensor
  let gradients: [Tensor]
  let state: [Tensor]

  init(_ method: any Method, _ batch: Batch, _ group: ProcessGroup) throws {
    let image = (channels: 3, height: 32, width: 32)
    let (small, large) = (Architecture(name: "resnet-8"), Architecture(name: "resnet-14"))
    guard let small, let large else { fatalError("both networks are in the catalogue") }
    let teacher = large.network(classes: 10, generator: Generator(seed: 2))
    var setup = LossSetup(
      student: small.description(classes: 10, image: image),
      teacher: large.description(classes: 10, image: image), generator: Generator(seed: 1))
    setup.samples = .init(count: batch.wholeCount, labels: (batch.part?.labels ?? batch.labels)?.integers)
    setup.normalizations = teacher.normalizations(of: [3, 32, 32])
    setup.classifier = teacher.classifier.map {
      TeacherClassifier(weight: $0.weight.detached().to(.float64), bias: $0.bias.detached().to(.float64))
    }
    let loss = try method.loss(for: setup)
    let student = loss.student(small.network(classes: 10, generator: Generator(seed: 3)))
    for module in [teacher, student, loss.module].compactMap({ $0 }) { module.widen() }
    teacher.evaluate()
    student.train()
    loss.module?.train()
    let objective = Objective([.crossEntropy(), .init("term", loss, weight: 2)])
    let batch = objective.prepare(batch, seed: 7)
    let needs = objective.needs(in: group)
    let answers = withoutGradients { teacher.activations(of: batch.teacher, needs.statistics.request) }
    let trained = Distiller.parameters(student: student, objective: objective)
    let average = GradientAverage(trained, in: group, overlaps: true, bucketBytes: 100_000)
    let total = try SynchronizedBatchNorm.in(group.isShared ? group : nil) {
      let activations = student.activations(of: batch.student, objective.request)
      let output = try TeacherOutput(answers, needs, of: batch)
      return try objective(Step(student: activations, teacher: output, batch: batch), in: group).total
    }
    total.backward()
    try average.finish()
    let sum = total.detached().clone()
    try group.allReduce(sum)
    value = sum / Double(group.rank.count)
    gradients = trained.map { $0.gradient ?? $0.zerosLike() }
    state = (student.state + (loss.module?.state ?? [])).map(\.tensor).filter { !$0.requiresGradient }
  }
}

/// A hundred steps of a whole run, in float64.
private struct RunTrial {
  private let group: ProcessGroup
  private let syncBatchNorm: Bool
  private let scope: Objective.Term.Scope

  init(_ group: ProcessGroup, syncBatchNorm: Bool, scope: Objective.Term.Scope) {
    (self.group, self.syncBatchNorm, self.scope) = (group, syncBatchNorm, scope)
  }

  /// Of what it trains, and what it said of its epochs.
  func weights() throws -> [String: [Double]] {
    let images = Textures.images(count: 80, split: .train)
    let plan = BatchPlan(
      count: 80, batchSize: 8, seed: 3, augmentation: Augmentation(cropPadding: 4, flip: true, mixup: 0.2))
    let source = WideBatches(source: ImageBatches(images, plan: plan, epochs: 10, rank: group.rank))
    let student = SmallNetwork(8, hasNorms: syncBatchNorm, seed: 1)
    let teacher = SmallNetwork(16, hasNorms: syncBatchNorm, seed: 2)
    for network in [student, teacher] { network.widen() }
    teacher.evaluate()
    let objective = Objective([
      .crossEntropy(), .init("kd", KnowledgeDistillation(), weight: 1),
      .init("sp", SimilarityPreserving([LayerPair("stage2")]), weight: 50, scope: scope),
    ])
    let recipe = Recipe(
      epochs: 10, batchSize: 8, optimizer: .sgd(SGD.Options(learningRate: 0.02)), schedule: .init(.constant),
      clipGradients: 5, ema: 0.9, syncBatchNorm: syncBatchNorm)
    let distiller = Distiller(
      student: student, teacher: WideTeacher(network: teacher, needs: objective.needs(in: group)), objective: objective,
      recipe: recipe, group: group)
    let test = EvaluationImages(Textures.images(count: 30, split: .test), batchSize: 20, rank: group.rank)
    let events = distiller.events(on: source) { network in
      try network.evaluation(on: WideIterator(source: test.batches()), classCount: 10, in: group)
    }
    var losses: [Double] = []
    while let event = try events.next() {
      guard case .epoch(let report) = event else { continue }
      losses += [report.terms["loss"] ?? .nan, report.accuracy ?? .nan, report.trainingAccuracy ?? .nan]
    }
    let parameters = student.state.flatMap { $0.tensor.to(.float64).elements(as: Double.self) }
    return ["weights": parameters, "reports": losses]
  }
}

/// Two convolutions, each with a batch norm or with none.
private final class SmallNetwork: Network {
  let conv1: Convolution
  let bn1: BatchNorm?
  let conv2: Convolution
  let bn2: BatchNorm?
  let fc: Linear

  init(_ channels: Int, hasNorms: Bool, seed: UInt64) {
    let generator = Generator(seed: seed)
    conv1 = Convolution(3, channels, kernel: 3, .init(stride: 2, padding: 1), generator: generator)
    conv2 = Convolution(channels, 2 * channels, kernel: 3, .init(stride: 2, padding: 1), generator: generator)
    bn1 = hasNorms ? BatchNorm(channels) : nil
    bn2 = hasNorms ? BatchNorm(2 * channels) : nil
    fc = Linear(2 * channels, 10, generator: generator)
  }

  override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    let first = conv1(input)
    let stage1 = (bn1?(first) ?? first).relu()
    let second = conv2(stage1)
    let stage2 = (bn2?(second) ?? second).relu()
    taps["stage2"] = stage2
    return fc(stage2.averagePooled(toHeight: 1, width: 1).flattened(from: 1))
  }
}

private struct WideTeacher: TeacherSignal {
  let network: Network
  let needs: TeacherNeeds

  func output(for batch: Batch) throws -> TeacherOutput {
    let request = needs.statistics.request
    return try TeacherOutput(withoutGradients { network.activations(of: batch.teacher, request) }, needs, of: batch)
  }
}

private struct WideBatches: BatchSource {
  let source: ImageBatches

  var batchesPerEpoch: Int { source.batchesPerEpoch }
  var batchSize: Int { source.batchSize }

  func batches(from start: BatchPosition) -> any BatchIterator { WideIterator(source: source.batches(from: start)) }
}

private struct WideIterator: BatchIterator {
  var source: any BatchIterator

  mutating func next() throws -> Batch? { try source.next()?.widened }
}

extension Batch {
  /// The rows that a rank has of a batch.
  fileprivate func part(of rank: Rank) -> Batch {
    guard rank.count > 1 else { return self }
    let rows = rank.rows(of: count)
    let own = labels?.narrowed(0, rows)
    var batch = Batch(
      student.narrowed(0, rows), labels: own, indices: indices.narrowed(0, rows), position: position)
    func labelled(_ labels: Tensor?) -> Int { labels?.integers.count { $0 >= 0 } ?? 0 }
    batch.part = Part(rank, indices: indices, labels: labels, labelled: (labelled(own), labelled(labels)))
    return batch
  }

  fileprivate var widened: Batch {
    var wide = Batch(student.to(.float64), labels: labels, indices: indices, position: position)
    (wide.part, wide.mixing) = (part, mixing)
    return wide
  }
}

extension Module {
  fileprivate func widen() {
    for (_, tensor) in state where tensor.isFloatingPoint {
      let needed = tensor.requiresGradient
      tensor.setData(tensor.detached().to(.float64))
      tensor.requiresGradient = needed
    }
  }
}

extension Tensor {
  fileprivate var integers: [Int] { elements(as: Int64.self).map(Int.init) }
}
