// What the mathematics of SP promises, whatever the implementation.

import GoldenFiles
import Kindred
import Testing
import Torch

@Suite struct SimilarityPreservingTests {
  private let generator = Generator(seed: 5)

  private func features(_ shape: [Int]) -> Tensor { generator.normal(shape, dtype: .float64) }

  /// The gradient in closed form, in plain arithmetic: with D = 2 (G_S - G_T) / b^2 and n_i the norm of row i of Q Q^T,
  /// M_i = (D_i - <D_i, G_i> G_i) / n_i, it is (M + M^T) Q.
  @Test func gradientIsTheClosedForm() throws {
    let (b, n) = (5, 7)
    let (student, teacher) = (leaf(features([b, n])), features([b, 4]))
    let recorded = try gradient(similarityLoss(student, teacher), at: student).elements(as: Double.self)
    let rows = student.elements(as: Double.self).chunked(n)
    let (own, norms) = normalizedGram(rows)
    let (other, _) = normalizedGram(teacher.elements(as: Double.self).chunked(4))
    let difference = zip(own, other).map { zip($0, $1).map { 2 / Double(b * b) * ($0 - $1) } }
    let m = (0..<b).map { i -> [Double] in
      let along = dot(difference[i], own[i])
      return (0..<b).map { (difference[i][$0] - along * own[i][$0]) / norms[i] }
    }
    for i in 0..<b {
      for k in 0..<n {
        let expected = (0..<b).reduce(0) { $0 + (m[i][$1] + m[$1][i]) * rows[$1][k] }
        #expect(abs(recorded[i * n + k] - expected) < 1e-14, "at \(i), \(k)")
      }
    }
  }

  /// Rows have length 1; the matrix is therefore not symmetric, other than cosine similarities.
  @Test func rowsOfTheMatrixAreNormalised() {
    let rows = features([4, 6])
    let (expected, _) = normalizedGram(rows.elements(as: Double.self).chunked(6))
    let matrix = similarityMatrix(rows.reshaped([4, 3, 1, 2]))
    #expect(relativeError(matrix, Tensor(expected.flatMap { $0 }, shape: [4, 4])) < 1e-14)
    #expect(relativeError(matrix, matrix.transposed()) > 0.01)
  }

  @Test func gradientIsThatOfFiniteDifferences() throws {
    let (student, teacher) = (leaf(features([4, 2, 3, 2])), features([4, 5]))
    let recorded = try gradient(similarityLoss(student, teacher), at: student).elements(as: Double.self)
    let values = student.elements(as: Double.self)
    let step = 1e-5
    for index in values.indices {
      let losses = [step, -step].map { change in
        var moved = values
        moved[index] += change
        return similarityLoss(Tensor(moved, shape: student.shape), teacher).item
      }
      #expect(abs((losses[0] - losses[1]) / (2 * step) - recorded[index]) < 1e-9, "element \(index)")
    }
  }

  @Test func scaleAndRotationOfTheFeaturesDoNotMatter() throws {
    let (student, teacher) = (features([6, 8]), features([6, 3, 2, 2]))
    let loss = similarityLoss(student, teacher).item
    #expect(loss > 0.01)
    for scale in [1e-4, 3.7, 1e5] { #expect(abs(similarityLoss(student * scale, teacher).item - loss) < 1e-13) }
    // Two reflections make a rotation.
    let rotated = student.matmul(reflection(8)).matmul(reflection(8))
    #expect(relativeError(rotated, student) > 0.1)
    #expect(abs(similarityLoss(rotated, teacher).item - loss) < 1e-13)
    #expect(abs(similarityLoss(student, teacher.flattened(from: 1).matmul(reflection(12))).item - loss) < 1e-13)
  }

  /// A single image's scale does matter: the rows are normalised, the columns are not.
  @Test func oneImagesScaleMatters() {
    let (student, teacher) = (features([4, 8]), features([4, 6]))
    let scales = Tensor([1, 1, 5, 1] as [Double], shape: [4, 1])
    #expect(abs(similarityLoss(student * scales, teacher).item - similarityLoss(student, teacher).item) > 1e-3)
  }

  @Test func lossIsZeroForEqualSimilaritiesOnly() {
    let student = features([5, 6])
    #expect(similarityLoss(student, student * 2).item < 1e-30)
    #expect(similarityLoss(student, features([5, 6])).item > 1e-3)
  }

  /// At most 4/b. Nearly reached where all small images agree with one large image in one network, and oppose it in the
  /// other.
  @Test func boundForAnyFeatures() {
    let b = 8
    let teacher = Tensor([1000] + Array(repeating: 1.0, count: b - 1), shape: [b, 1])
    let student = Tensor([1000] + Array(repeating: -1.0, count: b - 1), shape: [b, 1])
    let loss = similarityLoss(student, teacher).item
    #expect(loss > 0.85 * 4 / Double(b) && loss <= 4 / Double(b))
  }

  /// At most 2/b after a ReLU, whose products are never negative. Nearly reached where all rows point elsewhere.
  @Test func boundForFeaturesThatAreNotNegative() {
    let b = 16
    let spread = Tensor.eye(b, dtype: .float64)
    let loss = similarityLoss(spread, .ones([b, 3], dtype: .float64)).item
    #expect(abs(loss - (2 - 2 / Double(b).squareRoot()) / Double(b)) < 1e-14)
    for _ in 0..<20 {
      let loss = similarityLoss(features([b, 4]).relu(), features([b, 2]).relu()).item
      #expect(loss >= 0 && loss <= 2 / Double(b))
    }
  }

  /// Images that both networks answer with zeros add nothing, and all gradients stay finite.
  @Test(arguments: [DType.float32, .float64])
  func zeroRows(dtype: DType) throws {
    let mask = Tensor([1, 0, 1, 1] as [Double], shape: [4, 1])
    let (student, teacher) = (leaf(features([4, 6]) * mask, dtype), (features([4, 5]) * mask).to(dtype))
    let loss = similarityLoss(student, teacher)
    let kept = Tensor([0, 2, 3] as [Int64], shape: [3])
    let without = similarityLoss(student.indexSelect(0, kept), teacher.indexSelect(0, kept))
    #expect(abs(loss.item * 16 - without.item * 9) < (dtype == .float32 ? 1e-5 : 1e-13))
    #expect(try gradient(loss, at: student).isFinite.equal(to: 0).sum().item == 0)
    let dead = leaf(.zeros([4, 6], dtype: dtype))
    let deadLoss = similarityLoss(dead, teacher)
    #expect(deadLoss.item.isFinite)
    #expect(try gradient(deadLoss, at: dead).abs().maximum().item == 0)
  }

  /// 8 x 8 x 128 values of 3 have a Gram matrix beyond half precision's largest number.
  @Test(arguments: [DType.float16, .bfloat16])
  func halfPrecisionIsComputedInFloat32(dtype: DType) throws {
    let student = leaf((features([3, 128, 8, 8]) * 0.1 + 3), dtype)
    let matrix = similarityMatrix(student)
    #expect(matrix.dtype == .float32)
    #expect(matrix.bytes() == similarityMatrix(student.detached().to(.float32)).bytes())
    let loss = similarityLoss(student, features([3, 5]).to(.float32))
    #expect(loss.item.isFinite && loss.item > 0)
    let gradient = try gradient(loss, at: student)
    #expect(gradient.dtype == dtype && gradient.isFinite.equal(to: 0).sum().item == 0)
  }

  @Test func layoutInMemoryDoesNotMatter() throws {
    let (plain, teacher) = (leaf(features([4, 5, 3, 2])), features([4, 3, 2, 2]))
    let last = leaf(plain.contiguous(.channelsLast))
    #expect(!last.isContiguous())
    let losses = [similarityLoss(plain, teacher), similarityLoss(last, teacher.contiguous(.channelsLast))]
    #expect(abs(losses[0].item - losses[1].item) < 1e-15)
    #expect(relativeError(try gradient(losses[1], at: last), try gradient(losses[0], at: plain)) < 1e-13)
  }

  /// A batch that is compared some rows at a time, by a live teacher, whose matrix is never whole, and by one whose matrix is
  /// there: as equation 4 says it, in one piece.
  @Test func aLargeBatchIsComparedInRows() throws {
    let b = 2_100
    let (student, teacher) = (leaf(features([b, 3])), features([b, 2, 2, 1]))
    let statistic = TeacherStatistic.similarity("tap")
    let live = TeacherOutput(Activations(taps: ["tap": teacher]), [statistic])
    let recorded = TeacherOutput([statistic: live[statistic]])
    #expect(relativeError(live[statistic], similarityMatrix(teacher)) < 1e-14)
    let loss = SimilarityPreserving([LayerPair("tap")])
    let batch = Batch(.zeros([b, 1]), labels: nil, position: BatchPosition())
    let products = student.matmul(student.transposed())
    let rows = products / products.norm([1], keepingAxes: true)
    let expected = (rows - similarityMatrix(teacher)).squared().mean()
    let slope = try gradient(expected * 1e6, at: student)
    for output in [live, recorded] {
      let value = loss(Step(student: Activations(taps: ["tap": student]), teacher: output, batch: batch))
      #expect(abs(value.item / expected.item - 1) < 1e-12)
      #expect(relativeError(try gradient(value * 1e6, at: student), slope) < 1e-11)
    }
    let quiet = withoutGradients {
      loss(Step(student: Activations(taps: ["tap": student]), teacher: live, batch: batch))
    }
    #expect(abs(quiet.item / expected.item - 1) < 1e-12)
  }

  @Test func aBatchOfOneIsRefusedWithItsReason() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = similarityMatrix(.ones([1, 8]))
    }
    let said = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(said.contains("batch of at least two"))
  }

  /// I - 2 v v^T / |v|^2 for a random v.
  private func reflection(_ size: Int) -> Tensor {
    let v = features([size, 1])
    return .eye(size, dtype: .float64) - v.matmul(v.transposed()) * (2 / v.squared().sum().item)
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// The Gram matrix with normalised rows, and the norms of its rows before.
private func normalizedGram(_ rows: [[Double]]) -> (matrix: [[Double]], norms: [Double]) {
  let gram = rows.map { a in rows.map { dot(a, $0) } }
  let norms = gram.map { dot($0, $0).squareRoot() }
  return (zip(gram, norms).map { row, norm in row.map { $0 / norm } }, norms)
}

extension [Double] {
  fileprivate func chunked(_ size: Int) -> [[Double]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<($0 + size)]) }
  }
}
