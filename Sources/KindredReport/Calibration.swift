// Whether a network is right as often as it is sure.

/// Confidences held against how often they were right, in bins of equal width.
package struct Calibration: Sendable, Equatable {
  /// The predictions whose confidence lies in a range.
  package struct Bin: Sendable, Equatable {
    /// Its upper end belongs to it, its lower end to the bin before.
    package let range: ClosedRange<Double>
    package let count: Int
    /// The mean; not a number for an empty bin, as `accuracy`.
    package let confidence: Double
    /// The share that was right.
    package let accuracy: Double
  }

  package let bins: [Bin]

  /// - Parameters:
  ///   - confidences: the largest probability of each prediction, between 0 and 1.
  ///   - isCorrect: whether it was right.
  ///   - binCount: 15 is what papers have.
  package init(confidences: [Double], isCorrect: [Bool], binCount: Int = 15) {
    precondition(confidences.count == isCorrect.count && binCount > 0, "an answer for each confidence")
    var (counts, sums, hits) = ([Int](repeating: 0, count: binCount), [Double](repeating: 0, count: binCount), [Int]())
    hits = counts
    for (confidence, isCorrect) in zip(confidences, isCorrect) {
      let index = min(max(Int((confidence * Double(binCount)).rounded(.up)) - 1, 0), binCount - 1)
      counts[index] += 1
      sums[index] += confidence
      hits[index] += isCorrect ? 1 : 0
    }
    let width = 1 / Double(binCount)
    bins = counts.indices.map { index in
      let count = Double(counts[index])
      return Bin(
        range: Double(index) * width...Double(index + 1) * width, count: counts[index], confidence: sums[index] / count,
        accuracy: Double(hits[index]) / count)
    }
  }

  /// The expected calibration error: the sum over bins of their share of all predictions, times the distance of their
  /// accuracy from their mean confidence. 0 without predictions.
  package var expectedError: Double {
    let total = bins.reduce(0) { $0 + $1.count }
    return bins.filter { $0.count > 0 }.reduce(0) {
      $0 + Double($1.count) / Double(total) * abs($1.accuracy - $1.confidence)
    }
  }
}
