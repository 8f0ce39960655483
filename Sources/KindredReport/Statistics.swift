// The few figures by which repeated runs are summed up.

/// Statistics of a handful of numbers; `nil` where there are too few of them.
package enum Statistics {
  /// The arithmetic mean.
  package static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// The sample standard deviation, with n - 1 in the denominator; `nil` for fewer than two values.
  package static func deviation(_ values: [Double]) -> Double? {
    pooledDeviation([values])
  }

  /// The middle value, or the mean of the middle two.
  package static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// The standard deviation that groups with means of their own share: the root of the sum of squared deviations from
  /// each group's mean, over the number of values less the number of groups. Groups of one say nothing of it.
  package static func pooledDeviation(_ groups: [[Double]]) -> Double? {
    var (squares, freedom) = (0.0, 0)
    for group in groups where group.count > 1 {
      let centre = group.reduce(0, +) / Double(group.count)
      squares += group.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
      freedom += group.count - 1
    }
    return freedom > 0 ? (squares / Double(freedom)).squareRoot() : nil
  }
}
