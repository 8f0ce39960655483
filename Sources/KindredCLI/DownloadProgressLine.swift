// Shows a download on standard error.

import Foundation
import KindredReport
import KindredVision
import Synchronization

/// A line that is rewritten on a terminal and left out elsewhere.
final class DownloadProgressLine: Sendable {
  private let isShown: Bool
  private let state = Mutex((rate: RateEstimate(), shown: -1.0, isOpen: false))

  init(quiet: Bool) { isShown = !quiet && isatty(STDERR_FILENO) == 1 }

  func show(_ progress: DownloadProgress) {
    guard isShown else { return }
    let now = ProcessInfo.processInfo.systemUptime
    state.withLock { state in
      state.rate.observe(done: progress.received, at: now)
      guard now - state.shown > 0.1 else { return }
      state.shown = now
      state.isOpen = true
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line(progress, state.rate).text(width: 79))".utf8))
    }
  }

  func finish() {
    state.withLock { state in
      if state.isOpen { FileHandle.standardError.write(Data("\n".utf8)) }
      state.isOpen = false
    }
  }

  private func line(_ progress: DownloadProgress, _ rate: RateEstimate) -> ProgressLine {
    let total = progress.total.map { " of \(Format.bytes($0))" } ?? ""
    return ProgressLine(
      label: progress.file, fraction: progress.total.map { Double(progress.received) / Double(max($0, 1)) } ?? 0,
      details: ["\(Format.bytes(progress.received))\(total)"],
      secondsLeft: progress.total.flatMap { rate.secondsLeft(total: $0) })
  }
}
