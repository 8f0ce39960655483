// Numbers as texts, at the edges where rounding and units change.

import KindredReport
import Testing

@Suite struct FormatTests {
  @Test(arguments: [
    (20, "a minute"), (140, "2 minutes"), (2_400, "40 minutes"), (9_000, "3 hours"), (400_000, "5 days"),
  ])
  func guesses(seconds: Double, text: String) { #expect(Format.roughly(seconds) == text) }

  @Test(
    arguments: [
      (0, "0:00"), (42, "0:42"), (59.4, "0:59"), (59.6, "1:00"), (61, "1:01"), (3599.7, "1:00:00"), (3723, "1:02:03"),
      (90_061, "25:01:01"), (-1, "–"), (.infinity, "–"), (.nan, "–"), (1e300, "–"),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) { #expect(Format.duration(seconds) == text) }

  @Test(arguments: [
    (0, "0"), (640, "640"), (9999, "9999"), (10_000, "0.01 M"), (175_994, "0.18 M"), (2_243_546, "2.24 M"),
    (9_994_000, "9.99 M"), (9_996_000, "10.0 M"), (27_300_000, "27.3 M"), (99_960_000, "100 M"), (999_400_000, "999 M"),
    (999_600_000, "1.00 G"), (1_236_000_000, "1.24 G"),
  ])
  func counts(count: Int, text: String) { #expect(Format.count(count) == text) }

  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (64_000, "64.0 kB"), (170_498_071, "170 MB"),
    (2_000_000_000, "2.00 GB"),
  ])
  func bytes(count: Int, text: String) { #expect(Format.bytes(count) == text) }

  @Test func percentages() {
    #expect(Format.percent(0.45) == "45 %")
    #expect(Format.percent(0.71254, places: 2) == "71.25 %")
    #expect(Format.percent(1) == "100 %")
    #expect(Format.percent(.nan) == "–")
  }

  @Test func signs() {
    #expect(Format.signed(0.484, places: 2) == "+0.48")
    #expect(Format.signed(-0.125, places: 1) == "-0.1")
    #expect(Format.signed(-0.001, places: 2) == "+0.00")
    #expect(Format.decimal(-0.001, places: 2) == "0.00")
    #expect(Format.decimal(-10, places: 0) == "-10")
  }

  @Test func values() {
    #expect(Format.value(1.2344) == "1.234")
    #expect(Format.value(-0.5) == "-0.500")
    #expect(Format.value(0) == "0.000")
    #expect(Format.value(0.0001234) == "0.000123")
    #expect(Format.value(1.234e-7) == "1.23e-07")
    #expect(Format.value(1_234_567) == "1.23e+06")
    #expect(Format.value(.nan) == "nan")
    #expect(Format.value(-.nan) == "nan")
    #expect(Format.decimal(-.nan, places: 2) == "nan")
    #expect(Format.signed(-.nan, places: 2) == "nan")
    #expect(Format.value(-.infinity) == "-inf")
  }
}
