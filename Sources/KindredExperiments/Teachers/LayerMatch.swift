// Which layers of a student go with which of a teacher, by shapes and by how alike they see images.

import Foundation
import Kindred
import KindredVision
import Torch

/// The likeness of every tap of a student and every tap of a teacher.
package struct LayerMatch {
  /// A place in a network.
  package struct Tap: Sendable, Equatable {
    package let name: String
    /// Without the batch's axis.
    package let shape: [Int]
  }

  /// From input to output.
  package let student: [Tap]
  package let teacher: [Tap]
  /// By the student's tap, then the teacher's: CKA, about 1 where they see the same and 0 where they have nothing in common.
  package let likeness: [[Double]]
  /// How many images it was measured on.
  package let images: Int
  /// Which weights the student had.
  package let studentWeights: String

  /// Enough batches that the estimate is steady to some hundredths.
  private static let (batches, batchSize) = (8, 64)

  /// Measures it on training images, seen as images to measure on are.
  /// - Parameters:
  ///   - settings: with a teacher that can be asked for any of its taps.
  ///   - runs: the folder of runs, in which a teacher that a configuration makes is looked for.
  ///   - folder: a finished run of the student; nil for the student as training begins.
  ///   - onBatch: is told of each batch; returns whether to go on.
  /// - Returns: nil where that said no.
  /// - Throws: as `TeacherSource`; `RunError` for a teacher that is a recording, or several; `DataError`.
  package init?(
    _ settings: Configuration, runs: URL, student folder: URL? = nil, library: ImageLibrary,
    onBatch: (_ done: Int, _ of: Int) -> Bool
  ) throws {
    // Some hundred images, and batches that come on the CPU.
    var settings = settings
    settings.training.device = .cpu
    guard let own = settings.teacher, case let members = own.all, members.count == 1, !own.readsRecording else {
      throw RunError("\(settings.name): layers are matched with one teacher that is a network, and there is none such")
    }
    let source = try TeacherSource(opening: own, for: settings, runs: runs)
    let network = try LayerMatch.studentNetwork(settings, folder)
    studentWeights = folder.map { "those of \($0.displayName)" } ?? "those that training begins with"
    let student = LayerMatch.taps(network.description(name: "", inputShape: settings.data.inputShape))
    let teacher = LayerMatch.taps(source.description)
    let statistics = teacher.map { TeacherStatistic.activation($0.name) }
    let images = LayerMatch.some(try library.training(settings.data))
    let whole = settings.data.isShared ? images : LayerMatch.some(try library.teacherTraining(settings.data))
    let signal = try source.signal(
      TeacherNeeds(Set(statistics)), settings, training: whole, evaluation: whole, onCost: { _ in })
    let request = ActivationRequest(taps: Set(student.map(\.name)))
    var sums = AlignmentSums(rows: student.count, columns: teacher.count)
    var (ownBatches, wholeBatches) = (
      EvaluationImages(images, batchSize: LayerMatch.batchSize).batches(),
      EvaluationImages(whole, batchSize: LayerMatch.batchSize).batches()
    )
    let total = images.count / LayerMatch.batchSize
    for done in 0..<total {
      guard onBatch(done, total), let batch = try ownBatches.next(), let seen = try wholeBatches.next() else {
        return nil
      }
      let output = try signal.output(for: seen)
      let activations = withoutGradients { network.activations(of: batch.student, request) }
      withoutGradients {
        sums.add(student.map { activations.tap($0.name) }, statistics.map { output[$0] })
      }
    }
    _ = onBatch(total, total)
    (self.student, self.teacher) = (student, teacher)
    (likeness, self.images) = (sums.alignments, total * LayerMatch.batchSize)
  }

  private static func some(_ images: ImageSet) -> ImageSet {
    let most = batches * batchSize
    return images.first(perSetBalanced: min(images.count, most) / batchSize * batchSize)
  }

  private static func studentNetwork(_ settings: Configuration, _ folder: URL?) throws -> Network {
    let network: Network
    if let folder {
      network = try StoredNetwork(folder).network
    } else {
      network = try settings.makeStudent(Generator(seed: settings.training.seed))
      if let weights = settings.student.weights, let file = try? WeightsFile(weights.url) {
        try file.load(into: network, freshClassifier: settings.student.classifier == .fresh)
      }
    }
    network.evaluate()
    return network
  }

  /// The stages, the vector before the classifier and the logits; all there is of a network that names no stages.
  private static func taps(_ network: NetworkDescription) -> [Tap] {
    let stages = network.stages.isEmpty ? network.taps.keys.sorted() : network.stages
    let ends = [Activations.pooledName, Activations.logitsName].filter { !stages.contains($0) }
    return (stages + ends).compactMap { name in network.shape(of: name).map { Tap(name: name, shape: $0) } }
  }

  /// A pair worth comparing, and why.
  package struct Suggestion: Sendable, Equatable {
    package let pair: LayerPair
    package let reason: String
  }

  /// For each of the student's maps the teacher's most alike one, in an order that goes forward through both.
  package var suggestions: [Suggestion] {
    let (own, others) = (student.indices.filter { isMap(student[$0]) }, teacher.indices.filter { isMap(teacher[$0]) })
    var (suggestions, first) = ([Suggestion](), 0)
    for index in own {
      let open = others.filter { $0 >= first }
      guard let best = open.max(by: { likeness[index][$0] < likeness[index][$1] }) else { break }
      first = best
      suggestions.append(
        Suggestion(
          pair: LayerPair(student: student[index].name, teacher: teacher[best].name),
          reason: reason(student[index], teacher[best], likeness[index][best], of: open.count)))
    }
    return suggestions
  }

  private func isMap(_ tap: Tap) -> Bool { tap.shape.count == 3 }

  private func reason(_ own: Tap, _ other: Tap, _ value: Double, of count: Int) -> String {
    let most = count > 1 ? ", the most of \(count)" : ""
    let size = own.shape.last == other.shape.last ? "maps of one size" : "maps of \(own.side) and \(other.side)"
    return "CKA \(String(format: "%.2f", value))\(most); \(size)"
  }
}

extension LayerMatch.Tap {
  fileprivate var side: String { shape.suffix(2).map(String.init).joined(separator: " x ") }
}

/// Linear CKA over batches: the unbiased estimates of HSIC of each are added up, which does not depend on the batch's size as
/// that of one batch does (Nguyen, Raghu & Kornblith, *Do Wide and Deep Networks Learn the Same Things?*, ICLR 2021,
/// equations 3 and 4).
struct AlignmentSums {
  private var cross: [[Double]]
  private var own: [Double]
  private var other: [Double]

  init(rows: Int, columns: Int) {
    cross = Array(repeating: Array(repeating: 0, count: columns), count: rows)
    (own, other) = (Array(repeating: 0, count: rows), Array(repeating: 0, count: columns))
  }

  /// Adds the activations of one batch, of four inputs or more.
  mutating func add(_ rows: [Tensor], _ columns: [Tensor]) {
    let (rows, columns) = (rows.map(AlignmentSums.gram), columns.map(AlignmentSums.gram))
    for (i, row) in rows.enumerated() {
      own[i] += AlignmentSums.unbiasedHSIC(row, row)
      for (j, column) in columns.enumerated() { cross[i][j] += AlignmentSums.unbiasedHSIC(row, column) }
    }
    for (j, column) in columns.enumerated() { other[j] += AlignmentSums.unbiasedHSIC(column, column) }
  }

  /// 0 where a network gives all inputs the same.
  var alignments: [[Double]] {
    cross.indices.map { i in
      cross[i].indices.map { j in
        let scale = (own[i] * other[j]).squareRoot()
        return scale > 0 ? cross[i][j] / scale : 0
      }
    }
  }

  /// Products of all pairs of inputs, without those of an input with itself.
  private static func gram(_ activation: Tensor) -> Tensor {
    let rows = activation.flattened(from: 1).to(.float64)
    // Relations to the mean alone count, and large common parts would drown them in rounding.
    let centred = rows - rows.mean([0], keepingAxes: true)
    let count = rows.shape[0]
    return centred.matmul(centred.transposed()) * Tensor.eye(count, dtype: .float64).affine(scale: -1, shift: 1)
  }

  /// Song et al., *Feature Selection via Dependence Maximization*, JMLR 2012, equation 5.
  private static func unbiasedHSIC(_ k: Tensor, _ l: Tensor) -> Double {
    let n = Double(k.shape[0])
    let traces = (k * l).sum().item
    let sums = k.sum().item * l.sum().item / ((n - 1) * (n - 2))
    let between = (k.sum([0]) * l.sum([0])).sum().item * 2 / (n - 2)
    return (traces + sums - between) / (n * (n - 3))
  }
}
