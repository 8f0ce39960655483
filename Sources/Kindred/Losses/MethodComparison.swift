// A method applied to given tensors instead of networks: what `kindred loss` does, and what golden values are compared with.

import Graph
import Torch

/// What a student and a teacher gave for a batch, compared by a method.
///
/// The entries are what the method compares, under the names `logits`, `pooled`, `activation` (further layer pairs
/// `activation.1`, `activation.2` and so on, from input to output); the student's also `labels` and `indices` (int64), and
/// what the method would prepare itself, such as `negatives`; the teacher's also `classifier.weight` and `classifier.bias`.
/// All is computed in the type of the entries.
public struct MethodComparison {
  public let loss: any DistillationLoss
  private let student: [String: Tensor]
  private let teacher: [String: Tensor]
  private let batch: Batch

  /// - Parameters:
  ///   - method: its layers are replaced by the activations there are, unless `keepsLayers`.
  ///   - student: the student's entries.
  ///   - teacher: the teacher's entries.
  ///   - state: what the method trains or keeps, by its state names; nil to draw it from `seed`.
  ///   - seed: of what the method draws.
  ///   - keepsLayers: whether the method's layers were chosen.
  /// - Throws: `MethodError` for entries that are missing or do not go together; `StateError` for another method's state.
  public init(
    _ method: any Method, student: [String: Tensor], teacher: [String: Tensor], state: [String: Tensor]? = nil,
    seed: UInt64 = 1, keepsLayers: Bool = false
  ) throws {
    (self.student, self.teacher) = (student, teacher)
    let given = student.layers
    let method = keepsLayers || given.isEmpty ? method : method.comparing(given.map { LayerPair($0) })
    try MethodComparison.check(method, student, teacher)
    let count = student.batchSize ?? 0
    var batch = Batch(
      Tensor.zeros([count, 1]), labels: student["labels"], indices: student["indices"] ?? Tensor.arange(count),
      position: MethodComparison.position)
    let samples = try MethodComparison.samples(method, batch, negatives: student["negatives"], state)
    var setup = LossSetup(
      student: student.description("the student"), teacher: teacher.description("the teacher"), samples: samples,
      classifier: teacher["classifier.weight"].flatMap { weight in
        teacher["classifier.bias"].map { TeacherClassifier(weight: weight, bias: $0) }
      }, generator: Generator(seed: seed))
    setup.restoresState = state != nil
    loss = try method.loss(for: setup)
    try MethodComparison.check(method, loss, teacher)
    MethodComparison.convert(loss.module, to: student)
    if let state {
      guard let module = loss.module else { throw MethodError("trains and keeps nothing; take the module out") }
      try module.load(state)
    }
    batch.extras = loss.prepare(batch, seed: seed).merging(student) { _, given in given }
    self.batch = batch
  }

  /// What computes beside the given activations does so in their type.
  private static func convert(_ module: Module?, to given: [String: Tensor]) {
    let dtype = given.values.first { $0.isFloatingPoint }?.dtype ?? .float32
    for (_, tensor) in module?.state ?? [] where tensor.isFloatingPoint {
      withoutGradients { tensor.setData(tensor.detached().to(dtype)) }
    }
  }

  /// Long after every curriculum: the gradient of CTKD's temperature is multiplied by -1.
  private static let position = BatchPosition(epoch: 1_000_000)

  /// The value, unweighted, and its gradient for each of the student's entries that the method compares, by name.
  public func value() -> (loss: Tensor, gradients: [String: Tensor]) {
    let leaves = student.filter { $0.value.isFloatingPoint }.mapValues { tensor in
      let leaf = tensor.detached().clone()
      leaf.requiresGradient = true
      return leaf
    }
    let network = loss.student(GivenNetwork(leaves))
    MethodComparison.convert(network, to: leaves)
    let student = network.activations(of: batch.student, loss.request)
    let teacher = TeacherOutput(
      Activations(logits: teacher[Activations.logitsName], taps: teacher), loss.statistics)
    let value = loss(Step(student: student, teacher: teacher, batch: batch))
    let names = leaves.keys.sorted()
    let gradients = value.gradients(of: names.compactMap { leaves[$0] }, keepingGraph: true)
    let found = zip(names, gradients).compactMap { name, gradient in gradient.map { (name, $0) } }
    return (value, Dictionary(uniqueKeysWithValues: found))
  }

  /// Beyond this an index is a mistake, and a memory bank would not fit.
  private static let largestSet: Int64 = 1 << 21

  private static func samples(
    _ method: any Method, _ batch: Batch, negatives: Tensor?, _ state: [String: Tensor]?
  ) throws -> LossSetup.Samples {
    guard type(of: method).keepsSamples else { return LossSetup.Samples(count: batch.count, labels: nil) }
    let indices = batch.indices.elements(as: Int64.self).map(Int.init)
    let others = negatives?.elements(as: Int64.self).map(Int.init) ?? []
    let needed = ((indices + others).max() ?? -1) + 1
    // A memory bank has a row for each sample of the set; a shape without elements keeps none, whatever it says.
    let bank = state?.first { $0.key.hasPrefix("memory") }?.value
    let kept = bank.map { $0.count > 0 ? $0.shape.first ?? 0 : 0 }
    if let kept, kept < needed {
      throw MethodError("the student's samples go up to \(needed - 1), but the module keeps \(kept) from 0")
    }
    let count = kept ?? needed
    var labels = [Int](repeating: -1, count: count)
    for (index, label) in zip(indices, batch.labels?.elements(as: Int64.self) ?? []) { labels[index] = Int(label) }
    return LossSetup.Samples(count: count, labels: batch.labels == nil ? nil : labels)
  }

  private static func check(
    _ method: any Method, _ student: [String: Tensor], _ teacher: [String: Tensor]
  ) throws {
    guard let own = student.batchSize, let other = teacher.batchSize else {
      throw MethodError("each file needs what is compared: \(type(of: method).card.compares)")
    }
    guard own == other else {
      throw MethodError("the student's batch is \(own), the teacher's \(other); they must be the same inputs")
    }
    try checkShapes(of: student, "the student", batch: own)
    try checkShapes(of: teacher, "the teacher", batch: own)
    for name in ["indices", "negatives"] {
      let values = student[name]?.elements(as: Int64.self) ?? []
      guard let bad = values.first(where: { !(0..<largestSet).contains($0) }) else { continue }
      throw MethodError("the student's '\(name)' holds \(bad); samples are counted from 0, up to \(largestSet)")
    }
    if method.needsLabels {
      guard let labels = student["labels"] else {
        throw MethodError("needs the class of each input: an int64 entry 'labels' in the student's file")
      }
      let (smallest, largest) = (Int(labels.minimum().item), Int(labels.maximum().item))
      guard smallest >= -1 else {
        throw MethodError("the student's 'labels' hold \(smallest); classes are counted from 0, -1 is none")
      }
      if let classes = student[Activations.logitsName]?.shape.last, largest >= classes {
        throw MethodError("the student's 'labels' go up to \(largest), but its logits have \(classes) classes from 0")
      }
    }
    if own == 1, let problem = type(of: method).card.loneInput {
      throw MethodError("needs a batch of two or more: \(problem)")
    }
  }

  /// Refuses entries that are not what their names say.
  private static func checkShapes(of entries: [String: Tensor], _ whose: String, batch: Int) throws {
    for (name, tensor) in entries.sorted(by: { $0.key < $1.key }) {
      guard let (isRight, wanted) = rule(name, tensor, batch: batch, entries), !isRight else { continue }
      throw MethodError("\(whose)'s '\(name)' is \(tensor.dtype)\(tensor.shape); it must be \(wanted)")
    }
  }

  /// Whether an entry is what its name says, and what that is; nil for a name that means nothing.
  private static func rule(
    _ name: String, _ tensor: Tensor, batch: Int, _ entries: [String: Tensor]
  ) -> (isRight: Bool, wanted: String)? {
    let (shape, isWhole) = (tensor.shape, tensor.dtype == .int64)
    let isOfBatch = tensor.isFloatingPoint && shape.first == batch
    switch name {
    case "labels", "indices": return (isWhole && shape == [batch], "int64 of shape [\(batch)]")
    case "negatives":
      return (isWhole && shape.count == 2 && shape[0] == batch, "int64 of shape [\(batch), negatives]")
    case Activations.logitsName, Activations.pooledName:
      return (isOfBatch && shape.count == 2, "floating-point of shape [\(batch), ...] with two axes")
    case "classifier.weight": return (tensor.isFloatingPoint && shape.count == 2, "floating-point, classes x features")
    case "classifier.bias":
      let classes = entries["classifier.weight"]?.shape.first
      return (tensor.isFloatingPoint && shape == [classes ?? shape.first ?? 0], "floating-point, one for each class")
    default: return name.isActivation ? (isOfBatch && shape.count >= 2, "floating-point, [\(batch), ...]") : nil
    }
  }

  /// A classifier that the loss compares logits by must be there; one that it makes a part of the student is not compared.
  private static func check(_ method: any Method, _ loss: any DistillationLoss, _ teacher: [String: Tensor]) throws {
    guard type(of: method).needsClassifier, loss.statistics.contains(.logits) else { return }
    guard teacher["classifier.weight"] == nil || teacher["classifier.bias"] == nil else { return }
    throw MethodError(
      "needs the teacher's classifier: 'classifier.weight' and 'classifier.bias' in the teacher's file")
  }
}

/// A network that gives what it was given, whatever is asked for.
private final class GivenNetwork: Network {
  private let given: [String: Tensor]

  init(_ given: [String: Tensor]) { self.given = given }

  override func forward(_ input: Tensor, _ taps: Taps) -> Tensor? {
    for (name, activation) in given { taps[name] = activation }
    return given[Activations.logitsName]
  }
}

extension String {
  fileprivate var isActivation: Bool { wholeMatch(of: /activation(\.\d+)?/) != nil }

  fileprivate var depth: Int { split(separator: ".").last.flatMap { Int($0) } ?? 0 }
}

extension [String: Tensor] {
  /// The activations from input to output, or else what there is.
  fileprivate var layers: [String] {
    let activations = keys.filter(\.isActivation).sorted { $0.depth < $1.depth }
    let others = [Activations.pooledName, Activations.logitsName].filter { self[$0] != nil }
    return activations.isEmpty ? Array(others.prefix(1)) : activations
  }

  /// The number of inputs that what is compared is of; nil where there is nothing.
  fileprivate var batchSize: Int? {
    let compared = filter { $0.key.isActivation || [Activations.logitsName, Activations.pooledName].contains($0.key) }
    return compared.min { $0.key < $1.key }?.value.shape.first
  }

  fileprivate func description(_ name: String) -> NetworkDescription {
    let taps = filter { $0.key.isActivation || $0.key == Activations.pooledName }
    return NetworkDescription(
      name: name, classes: self[Activations.logitsName]?.shape.last,
      taps: taps.mapValues { Array($0.shape.dropFirst()) })
  }
}
