// What a report computes of networks, against NumPy and PyTorch (Tests/Golden/make_report.py).

import GoldenFiles
import KindredExperiments
import KindredReport
import Testing
import Torch

@Suite struct ReportGoldenTests {
  @Test func alignmentOfActivations() throws {
    let golden = try Golden("report")
    let (x, y) = (CentredGram(try golden["x"]), CentredGram(try golden["y"]))
    let expected = try golden["cka"].elements(as: Double.self)
    #expect(abs(x.alignment(with: y) - expected[0]) < 1e-10 && abs(y.alignment(with: x) - expected[0]) < 1e-10)
    #expect(abs(x.alignment(with: x) - 1) < 1e-12 && abs(expected[1] - 1) < 1e-12)
    // Neither size nor a shift of all inputs matters; the same for all inputs aligns with nothing.
    let moved = CentredGram(try golden["x"] * -3 + 7)
    #expect(abs(moved.alignment(with: y) - expected[0]) < 1e-5)
    #expect(CentredGram(.ones([12, 4])).alignment(with: x) == 0)
  }

  @Test func calibrationError() throws {
    let golden = try Golden("report")
    let calibration = Calibration(
      confidences: try golden["confidences"].elements(as: Double.self),
      isCorrect: try golden["correct"].elements(as: Double.self).map { $0 == 1 })
    #expect(abs(calibration.expectedError - (try golden["ece"].item)) < 1e-12)
  }
}
