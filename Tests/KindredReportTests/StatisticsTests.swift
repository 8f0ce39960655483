// The summary figures against closed forms.

import KindredReport
import Testing

@Suite struct StatisticsTests {
  /// Of 1, 2, ..., n: mean (n + 1) / 2, sample variance n (n + 1) / 12.
  @Test(arguments: [2, 3, 10, 101]) func consecutiveNumbers(n: Int) throws {
    let values = (1...n).map(Double.init).shuffled()
    let size = Double(n)
    #expect(Statistics.mean(values) == (size + 1) / 2)
    #expect(Statistics.median(values) == (size + 1) / 2)
    let variance = try #require(Statistics.deviation(values)) * #require(Statistics.deviation(values))
    #expect(abs(variance - size * (size + 1) / 12) < 1e-9 * variance)
  }

  @Test func tooFewValues() {
    #expect(Statistics.mean([]) == nil)
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.deviation([]) == nil)
    #expect(Statistics.deviation([4]) == nil)
    #expect(Statistics.pooledDeviation([[4], [7], []]) == nil)
    #expect(Statistics.mean([4]) == 4)
    #expect(Statistics.median([4]) == 4)
  }

  @Test func medianIsNotTheMean() {
    #expect(Statistics.median([100, 1, 2]) == 2)
    #expect(Statistics.median([100, 1, 4, 2]) == 3)
  }

  /// Deviations -1, 1 and -3, 0, 3: (2 + 18) / (1 + 2) squared; the groups' means do not matter.
  @Test func pooledDeviation() throws {
    let pooled = try #require(Statistics.pooledDeviation([[9, 11], [47, 50, 53], [1000]]))
    #expect(abs(pooled * pooled - 20.0 / 3) < 1e-12)
  }
}
