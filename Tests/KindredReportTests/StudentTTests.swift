// Student's t against closed forms and printed tables, and the intervals that come of it.

import Foundation
import KindredReport
import Testing

@Suite struct StudentTTests {
  /// Of one degree of freedom (Cauchy's) and of two there are closed forms.
  @Test(arguments: [-40.0, -3, -0.5, 0, 0.1, 1, 2.5, 1000])
  func closedForms(t: Double) {
    let one = 0.5 + atan(t) / .pi
    let two = 0.5 + t / (2 * (2 + t * t).squareRoot())
    #expect(abs(StudentT.cumulative(t, freedom: 1) - one) < 1e-12)
    #expect(abs(StudentT.cumulative(t, freedom: 2) - two) < 1e-12)
  }

  /// What tables print for 97.5 %, in as many places.
  @Test(
    arguments: [
      (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228), (19, 2.093), (30, 2.042),
      (120, 1.980), (100_000, 1.960),
    ] as [(Double, Double)])
  func tables(freedom: Double, value: Double) {
    #expect(abs(StudentT.quantile(0.975, freedom: freedom) - value) < 5.1e-4)
    #expect(abs(StudentT.quantile(0.025, freedom: freedom) + value) < 5.1e-4)
  }

  @Test(arguments: [0.001, 0.3, 0.5, 0.8, 0.999_9], [0.7, 1, 3, 17.5])
  func quantilesAndProbabilitiesAreInverse(p: Double, freedom: Double) {
    #expect(abs(StudentT.cumulative(StudentT.quantile(p, freedom: freedom), freedom: freedom) - p) < 1e-11)
  }

  /// Of 1, 2, 3: mean 2, standard error 1 / root 3, 4.303 of them on both sides; t is 2 root 3 with two degrees.
  @Test func aSample() throws {
    let interval = try #require(MeanInterval([1, 2, 3]))
    let reach = 4.302_652_729_7 / 3.0.squareRoot()
    #expect(interval.mean == 2 && abs(interval.low - (2 - reach)) < 1e-8 && abs(interval.high - (2 + reach)) < 1e-8)
    #expect(interval.coversZero)
    let t = 2 * 3.0.squareRoot()
    #expect(abs(interval.p - (1 - t / (2 + t * t).squareRoot())) < 1e-12)
    #expect(try !#require(MeanInterval([71.1, 71.2, 71.3])).coversZero)
  }

  /// Welch's degrees of freedom: of equal variances and sizes n both, 2 n - 2; where one spreads far more, near its own.
  @Test func twoSamples() throws {
    let equal = try #require(MeanInterval(of: [3, 4, 5], less: [1, 2, 3]))
    #expect(equal.mean == 2 && abs(equal.freedom - 4) < 1e-12)
    #expect(abs(equal.high - (2 + 2.776_445_105 * (2.0 / 3).squareRoot())) < 1e-8)
    let unequal = try #require(MeanInterval(of: [0, 100, 200], less: [0.1, 0.2, 0.3]))
    #expect(abs(unequal.freedom - 2) < 1e-3 && unequal.coversZero)
  }

  @Test func whatTellsNothingHasNoInterval() {
    #expect(MeanInterval([]) == nil && MeanInterval([4]) == nil && MeanInterval([4, 4, 4]) == nil)
    #expect(MeanInterval(of: [4, 5], less: [4]) == nil && MeanInterval(of: [4, 4], less: [5, 5]) == nil)
  }
}
