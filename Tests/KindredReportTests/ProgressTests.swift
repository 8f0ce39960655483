// Progress as text: the time left, and the line's width.

import KindredReport
import Testing

@Suite struct RateEstimateTests {
  @Test func unknownAtFirst() {
    var rate = RateEstimate()
    #expect(rate.secondsLeft(total: 10) == nil)
    rate.observe(done: 4, at: 100)
    #expect(rate.secondsLeft(total: 10) == nil)
  }

  /// What was done before the first observation, by an earlier process, took none of this one's time.
  @Test func steadyPaceIsExact() throws {
    var rate = RateEstimate()
    for step in 0...50 { rate.observe(done: 1000 + step * 2, at: 7 + Double(step) * 0.5) }
    #expect(abs(try #require(rate.stepsPerSecond) - 4) < 1e-12)
    #expect(abs(try #require(rate.secondsLeft(total: 1500)) - 100) < 1e-9)
    #expect(rate.secondsLeft(total: 1000) == 0)
  }

  /// Two pieces of 30 s: the older weighs 1/e in steps and seconds alike.
  @Test func olderPaceFades() throws {
    var rate = RateEstimate()
    rate.observe(done: 0, at: 0)
    rate.observe(done: 300, at: 30)
    rate.observe(done: 360, at: 60)
    let weight = 0.36787944117144233
    #expect(abs(try #require(rate.stepsPerSecond) - (300 * weight + 60) / (30 * weight + 30)) < 1e-12)
  }

  @Test func fewerStepsBeginAnew() {
    var rate = RateEstimate()
    rate.observe(done: 0, at: 0)
    rate.observe(done: 100, at: 1)
    rate.observe(done: 1, at: 2)
    #expect(rate.stepsPerSecond == nil)
    rate.observe(done: 2, at: 4)
    #expect(rate.stepsPerSecond == 0.5)
  }
}

@Suite struct ProgressLineTests {
  private let line = ProgressLine(
    label: "epoch 3/20", fraction: 0.459, details: ["812 img/s", "loss 1.234"], secondsLeft: 42)

  @Test func full() {
    #expect(line.text() == "epoch 3/20  [####......] 46 %  812 img/s  loss 1.234  ETA 0:42")
    #expect(line.plain == "epoch 3/20  46 %  812 img/s  loss 1.234  ETA 0:42")
  }

  @Test(arguments: [
    (62, "epoch 3/20  [####......] 46 %  812 img/s  loss 1.234  ETA 0:42"),
    (61, "epoch 3/20  46 %  812 img/s  loss 1.234  ETA 0:42"),
    (48, "epoch 3/20  46 %  812 img/s  ETA 0:42"),
    (36, "epoch 3/20  46 %  812 img/s"),
    (26, "epoch 3/20  46 %  ETA 0:42"),
    (12, "epoch 3/20  "), (0, ""), (-1, ""),
  ])
  func narrow(width: Int, text: String) { #expect(line.text(width: width) == text) }

  @Test(
    arguments: [
      (0, "[..........] 0 %"), (0.999, "[#########.] 99 %"), (1, "[##########] 100 %"), (7, "[##########] 100 %"),
      (-1, "[..........] 0 %"),
      (.nan, "[..........] 0 %"),
    ] as [(Double, String)])
  func ends(fraction: Double, text: String) {
    #expect(ProgressLine(label: "x", fraction: fraction).text() == "x  " + text)
  }
}
