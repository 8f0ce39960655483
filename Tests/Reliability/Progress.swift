// How far a measurement has come, on standard error: a line that changes on a terminal, now and then a line elsewhere.

import Foundation
import KindredReport

final class Progress {
  private let label: String
  private let total: Int
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var rate = RateEstimate()
  private var printed = 0.0
  private var isDone = false

  init(_ label: String, total: Int) {
    (self.label, self.total) = (label, total)
    update(done: 0)
  }

  func update(done: Int, _ details: String...) {
    let now = ProcessInfo.processInfo.systemUptime
    rate.observe(done: done, at: now)
    guard !isDone, now - printed > (isTerminal ? 0.1 : 30) || done == total else { return }
    printed = now
    isDone = done == total
    let line = ProgressLine(
      label: "\(label) \(done)/\(total)", fraction: Double(done) / Double(max(total, 1)), details: details,
      secondsLeft: done > 0 ? rate.secondsLeft(total: total) : nil)
    write(isTerminal ? "\r\(line.text(width: 100))\u{1B}[K" + (done == total ? "\n" : "") : line.plain + "\n")
  }

  /// A line that stays.
  func message(_ text: String) { write((isTerminal ? "\r\u{1B}[K" : "") + text + "\n") }

  private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
