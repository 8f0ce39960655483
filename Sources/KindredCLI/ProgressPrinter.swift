// Prints a run's progress to standard error: one line that changes on a terminal, plain lines in a pipe.

import Foundation
import KindredReport

/// Where a training run stands.
struct TrainingStatus: Sendable {
  /// What is being trained, such as `SP seed 2/3`; may be empty.
  var name: String
  /// The current epoch, from 1.
  var epoch: Int
  /// How many epochs the run has.
  var epochs: Int
  /// Steps done in this epoch.
  var step: Int
  /// How many steps an epoch has.
  var stepsPerEpoch: Int
  /// The pace to show.
  var imagesPerSecond: Double
  /// Steps done and in all, where not every step of the epochs is taken here.
  var share: (done: Int, total: Int)?
  /// Figures to show, such as `("loss", "1.234")`, the most important first.
  var values: [(name: String, text: String)]
  /// The time left of all that is to be done, where this is a part of it.
  var secondsLeftOfAll: Double?

  /// A status of these parts.
  init(
    name: String = "", epoch: Int, epochs: Int, step: Int, stepsPerEpoch: Int, imagesPerSecond: Double,
    values: [(name: String, text: String)] = []
  ) {
    (self.name, self.epoch, self.epochs) = (name, epoch, epochs)
    (self.step, self.stepsPerEpoch) = (step, stepsPerEpoch)
    (self.imagesPerSecond, self.values) = (imagesPerSecond, values)
  }

  var stepsDone: Int { share?.done ?? (epoch - 1) * stepsPerEpoch + step }
  var stepsInAll: Int { share?.total ?? epochs * stepsPerEpoch }

  /// The bar is the epoch's, or the share's; the time left is the whole run's.
  func line(secondsLeft: Double?) -> ProgressLine {
    ProgressLine(
      label: (name.isEmpty ? "" : name + "  ") + "epoch \(epoch)/\(epochs)",
      fraction: share.map { Double($0.done) / Double(max(1, $0.total)) } ?? Double(step)
        / Double(max(1, stepsPerEpoch)),
      details: values.map { "\($0.name) \($0.text)" } + ["\(Format.decimal(imagesPerSecond, places: 0)) img/s"]
        + (secondsLeftOfAll.map { ["all \(Format.duration($0))"] } ?? []),
      secondsLeft: secondsLeft)
  }
}

/// Prints `TrainingStatus`es as they come, from one thread.
///
/// On a terminal the last line is rewritten, ten times a second at most, and stays as a line at an epoch's end. Elsewhere an epoch
/// gets a line at its end, and a long one a line after some seconds and then every half minute.
final class ProgressPrinter {
  /// Where the lines go.
  struct Output {
    /// Whether a line can be rewritten.
    var isTerminal: Bool
    /// Columns, asked for before every line because windows change.
    var width: () -> Int
    /// Takes text to print as it is, line breaks and control sequences included.
    var write: (String) -> Void

    /// An output of one's own, such as a log.
    init(isTerminal: Bool, width: @escaping () -> Int, write: @escaping (String) -> Void) {
      (self.isTerminal, self.width, self.write) = (isTerminal, width, write)
    }

    /// Standard error, a terminal or not.
    static var standardError: Output {
      let isDumb = ProcessInfo.processInfo.environment["TERM"] == "dumb"
      return Output(
        isTerminal: isatty(STDERR_FILENO) == 1 && !isDumb, width: standardErrorColumns,
        // A reader that has gone must not stop the training.
        write: { try? FileHandle.standardError.write(contentsOf: Data($0.utf8)) })
    }
  }

  private static let secondsBetweenRewrites = 0.1
  private static let secondsBetweenLines = 30.0
  private static let secondsToFirstLine = 5.0

  /// Whether somebody looks on.
  var isTerminal: Bool { output.isTerminal }

  private let output: Output
  private let clock: () -> Double
  private var rate = RateEstimate()
  private var lastPrinted: Double?
  private var hasPrinted = false
  /// On a terminal, the line that stands there unfinished.
  private var shown: ProgressLine?

  /// - Parameter clock: seconds since some fixed moment.
  init(
    output: Output = .standardError, clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
  ) {
    (self.output, self.clock) = (output, clock)
  }

  /// A step was taken; prints if it is time to.
  func step(_ status: TrainingStatus) { step(status) { [] } }

  /// The same with figures that are costly to get, and asked for only when they are printed.
  func step(_ status: TrainingStatus, values: () throws -> [(name: String, text: String)]) rethrows {
    let secondsLeft = observe(status)
    guard isDue() else { return }
    var status = status
    status.values += try values()
    show(status.line(secondsLeft: secondsLeft))
  }

  /// Whether it is time to print again.
  private func isDue() -> Bool {
    guard let last = lastPrinted else {
      // A pipe's first seconds count from the first step.
      if !output.isTerminal { lastPrinted = clock() }
      return output.isTerminal
    }
    let pause = hasPrinted ? Self.secondsBetweenLines : Self.secondsToFirstLine
    return clock() - last >= (output.isTerminal ? Self.secondsBetweenRewrites : pause)
  }

  /// An epoch has ended; prints in any case, and what is printed stays.
  func epoch(_ status: TrainingStatus) {
    show(status.line(secondsLeft: observe(status)))
    guard output.isTerminal else { return }
    output.write("\n")
    shown = nil
  }

  /// Prints a line that stays, above the one that changes.
  func message(_ text: String) {
    guard output.isTerminal else { return output.write(text + "\n") }
    output.write("\r\(clearToEnd)\(text)\n")
    if let shown { rewrite(shown) }
  }

  /// Leaves the last line as it is and begins a new one. What comes next is another run.
  func finish() {
    if shown != nil { output.write("\n") }
    (shown, lastPrinted, hasPrinted, rate) = (nil, nil, false, RateEstimate())
  }

  /// The seconds left, now that so much is done.
  private func observe(_ status: TrainingStatus) -> Double? {
    rate.observe(done: status.stepsDone, at: clock())
    return rate.secondsLeft(total: status.stepsInAll)
  }

  private func show(_ line: ProgressLine) {
    (lastPrinted, hasPrinted) = (clock(), true)
    guard output.isTerminal else { return output.write(line.plain + "\n") }
    shown = line
    rewrite(line)
  }

  /// One column stays free: a full line would make some terminals wrap.
  private func rewrite(_ line: ProgressLine) {
    output.write("\r\(line.text(width: output.width() - 1))\(clearToEnd)")
  }

  private let clearToEnd = "\u{1B}[K"
}

/// Columns of the terminal behind standard error; 80 if it does not say.
private func standardErrorColumns() -> Int {
  var size = winsize()
  guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
  return Int(size.ws_col)
}
