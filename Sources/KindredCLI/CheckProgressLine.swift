// How far a look at many things has come, on a terminal.

import Files
import Foundation
import KindredReport
import Synchronization

/// A line that is rewritten on a terminal and left out elsewhere. May be told from any thread.
final class CheckProgressLine: Sendable {
  private struct State {
    var rate = RateEstimate()
    var lastShown = -1.0
    var isOpen = false
  }

  private let isShown: Bool
  private let things: String
  private let state = Mutex(State())

  /// - Parameter things: what is counted, such as `images`.
  init(quiet: Bool, of things: String) {
    isShown = !quiet && isatty(STDERR_FILENO) == 1
    self.things = things
  }

  func show(_ done: Int, of total: Int) {
    guard isShown else { return }
    let now = ProcessInfo.processInfo.systemUptime
    state.withLock { state in
      state.rate.observe(done: done, at: now)
      guard now - state.lastShown > 0.1 || done == total else { return }
      (state.lastShown, state.isOpen) = (now, true)
      let line = ProgressLine(
        label: "checking", fraction: Double(done) / Double(max(total, 1)), details: ["\(done) of \(total) \(things)"],
        secondsLeft: state.rate.secondsLeft(total: total))
      write("\r\u{1B}[K\(line.text(width: 79))")
    }
  }

  func finish() { if state.withLock(\.isOpen) { write("\n") } }

  /// A terminal that has gone must not stop the check.
  private func write(_ text: String) { try? AtomicFile.write(Data(text.utf8), to: STDERR_FILENO) }
}
