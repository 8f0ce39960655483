// Student's t distribution: how far the mean of a few runs may lie from what more of them would give.

import Foundation

/// Student's t distribution, with any number of degrees of freedom above 0.
package enum StudentT {
  /// The probability of a value up to `t`.
  package static func cumulative(_ t: Double, freedom: Double) -> Double {
    guard t.isFinite else { return t > 0 ? 1 : 0 }
    let tail = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return t > 0 ? 1 - tail : tail
  }

  /// The value that is not exceeded with a probability between 0 and 1, to about twelve digits.
  package static func quantile(_ probability: Double, freedom: Double) -> Double {
    precondition(probability > 0 && probability < 1 && freedom > 0, "a probability inside 0...1")
    guard probability != 0.5 else { return 0 }
    guard probability > 0.5 else { return -quantile(1 - probability, freedom: freedom) }
    var (low, high) = (0.0, 1.0)
    while cumulative(high, freedom: freedom) < probability, high < 1e15 { (low, high) = (high, high * 2) }
    for _ in 0..<200 where high - low > 1e-14 * high {
      let middle = (low + high) / 2
      if cumulative(middle, freedom: freedom) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The regularised incomplete beta function of `x` between 0 and 1.
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The continued fraction is quick on this side of its peak, and the other side is its mirror.
    guard x <= (a + 1) / (a + b + 2) else { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front * continuedFraction(x, a, b)
  }

  /// Evaluated from its front, by the ratios of successive numerators and denominators.
  private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func notZero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var denominator = 1 / notZero(1 - (a + b) * x / (a + 1))
    var (numerator, value) = (1.0, denominator)
    for step in 1...1000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      var change = 1.0
      for term in [even, odd] {
        denominator = 1 / notZero(1 + term * denominator)
        numerator = notZero(1 + term / numerator)
        change = denominator * numerator
        value *= change
      }
      if abs(change - 1) < 1e-15 { break }
    }
    return value
  }
}

/// A mean with the interval that holds the true one in 95 of 100 such samples, by Student's t.
package struct MeanInterval: Sendable, Equatable {
  package let mean: Double
  package let low: Double
  package let high: Double
  /// The degrees of freedom.
  package let freedom: Double
  /// The probability of a mean at least so far from 0, were the true one 0.
  package let p: Double

  /// Of a sample; nil for fewer than two values, or for values that are all the same, which do not tell their spread.
  package init?(_ values: [Double]) {
    guard let mean = Statistics.mean(values), let deviation = Statistics.deviation(values), deviation > 0
    else { return nil }
    let count = Double(values.count)
    self.init(mean, error: deviation / count.squareRoot(), freedom: count - 1)
  }

  /// Of the difference of two samples' means, whose spreads may differ (Welch's); nil for fewer than two values in one, or no
  /// spread in either.
  package init?(of values: [Double], less others: [Double]) {
    guard let mean = Statistics.mean(values), let other = Statistics.mean(others),
      let deviation = Statistics.deviation(values), let otherDeviation = Statistics.deviation(others)
    else { return nil }
    let (count, otherCount) = (Double(values.count), Double(others.count))
    let (own, theirs) = (deviation * deviation / count, otherDeviation * otherDeviation / otherCount)
    let error = own + theirs
    guard error > 0 else { return nil }
    let freedom = error * error / (own * own / (count - 1) + theirs * theirs / (otherCount - 1))
    self.init(mean - other, error: error.squareRoot(), freedom: freedom)
  }

  private init(_ mean: Double, error: Double, freedom: Double) {
    let reach = StudentT.quantile(0.975, freedom: freedom) * error
    (self.mean, low, high, self.freedom) = (mean, mean - reach, mean + reach, freedom)
    p = 2 * StudentT.cumulative(-abs(mean / error), freedom: freedom)
  }

  /// Whether 0 lies inside: the values do not tell a difference from none.
  package var coversZero: Bool { low <= 0 && high >= 0 }
}
