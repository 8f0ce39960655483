// Shows a download on standard error.

import Files
import Foundation
import KindredReport
import KindredVision

/// A line that is rewritten on a terminal and left out elsewhere.
final class DownloadProgressLine {
  private let isShown: Bool
  private var rate = RateEstimate()
  private var lastShown = -1.0
  private var isOpen = false

  init(quiet: Bool) { isShown = !quiet && isatty(STDERR_FILENO) == 1 }

  func show(_ progress: DownloadProgress) {
    guard isShown else { return }
    let now = ProcessInfo.processInfo.systemUptime
    rate.observe(done: progress.received, at: now)
    guard now - lastShown > 0.1 else { return }
    lastShown = now
    isOpen = true
    write("\r\u{1B}[K\(line(progress).text(width: 79))")
  }

  func finish() {
    if isOpen { write("\n") }
    isOpen = false
  }

  /// A terminal that has gone must not stop the download.
  private func write(_ text: String) { try? AtomicFile.write(Data(text.utf8), to: STDERR_FILENO) }

  private func line(_ progress: DownloadProgress) -> ProgressLine {
    let total = progress.total.map { " of \(Format.bytes($0))" } ?? ""
    return ProgressLine(
      label: progress.file, fraction: progress.total.map { Double(progress.received) / Double(max($0, 1)) } ?? 0,
      details: ["\(Format.bytes(progress.received))\(total)"],
      secondsLeft: progress.total.flatMap { rate.secondsLeft(total: $0) })
  }
}
