// How far a look at many things has come, on a terminal.

import Files
import Foundation
import Kindred
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
  private let doing: String
  private let things: String
  private let state = Mutex(State())

  /// - Parameters:
  ///   - doing: what is done with them.
  ///   - things: what is counted, such as `images`.
  init(quiet: Bool, doing: String = "checking", of things: String) {
    self.doing = doing
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
        label: doing, fraction: Double(done) / Double(max(total, 1)), details: ["\(done) of \(total) \(things)"],
        secondsLeft: state.rate.secondsLeft(total: total))
      write("\r\u{1B}[K\(line.text(width: 79))")
    }
  }

  func finish() { if state.withLock(\.isOpen) { write("\n") } }

  /// A terminal that has gone must not stop the check.
  private func write(_ text: String) { try? AtomicFile.write(Data(text.utf8), to: STDERR_FILENO) }
}

/// Batches as they are, of which is told how many inputs have gone by.
struct CountedBatches: BatchIterator {
  private var batches: any BatchIterator
  private let onBatch: (Int) -> Void
  private var count = 0

  init(_ batches: any BatchIterator, onBatch: @escaping (Int) -> Void) {
    (self.batches, self.onBatch) = (batches, onBatch)
  }

  mutating func next() throws -> Batch? {
    let batch = try batches.next()
    count += batch?.count ?? 0
    onBatch(count)
    return batch
  }
}
