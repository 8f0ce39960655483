// The expected calibration error against sums worked out by hand.

import KindredReport
import Testing

@Suite struct CalibrationTests {
  /// In two bins: 0.4 wrong and 0.2 right lie below a half (sure 0.3, right 0.5), 0.9, 0.7 and 0.8 above (sure 0.8, right
  /// 2/3): 2/5 times 0.2 and 3/5 times 2/15.
  @Test func byHand() {
    let calibration = Calibration(
      confidences: [0.4, 0.2, 0.9, 0.7, 0.8], isCorrect: [false, true, true, false, true], binCount: 2)
    #expect(calibration.bins.map(\.count) == [2, 3])
    #expect(abs(calibration.bins[0].confidence - 0.3) < 1e-12 && calibration.bins[0].accuracy == 0.5)
    #expect(abs(calibration.expectedError - (0.4 * 0.2 + 0.6 * 2 / 15)) < 1e-12)
  }

  /// A bin's upper end is its own, and 0 belongs to the first.
  @Test func endsOfBins() {
    let calibration = Calibration(
      confidences: [0, 0.25, 0.250_1, 1], isCorrect: [true, true, true, true], binCount: 4)
    #expect(calibration.bins.map(\.count) == [2, 1, 0, 1])
    #expect(Calibration(confidences: [], isCorrect: []).expectedError == 0)
    #expect(Calibration(confidences: [1, 1], isCorrect: [true, true]).expectedError == 0)
  }
}
