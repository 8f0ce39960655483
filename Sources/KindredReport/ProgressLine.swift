// How far a long piece of work has come, in one line.

import Foundation

/// A line such as `epoch 3/20  [####......] 45 %  812 img/s  loss 1.234  ETA 0:42`.
package struct ProgressLine: Sendable, Equatable {
  /// What is going on, such as `epoch 3/20`.
  package var label: String
  /// How much of it is done, between 0 and 1; the bar and the percentage show it.
  package var fraction: Double
  /// Further figures, the most important first.
  package var details: [String]
  /// Seconds to the end of the whole work, if they can be told yet.
  package var secondsLeft: Double?

  /// A line of these parts.
  package init(label: String, fraction: Double, details: [String] = [], secondsLeft: Double? = nil) {
    (self.label, self.fraction, self.details, self.secondsLeft) = (label, fraction, details, secondsLeft)
  }

  private static let barLength = 10

  /// The line in full, or what of it fits into `width` columns: first the bar goes, then the details from the last one to the
  /// second, the time left, the first detail in its place, and whatever sticks out.
  package func text(width: Int = .max) -> String {
    let shorter = details.indices.reversed().map { details[...$0] + left } + [details.prefix(1), left[...]]
    let candidates = [line(bar: "[\(bar)] ", details + left)] + shorter.map { line($0) }
    return candidates.first { $0.count <= width } ?? String(line(left).prefix(max(0, width)))
  }

  /// The line without a bar, for places where nothing is drawn anew.
  package var plain: String { line(details + left) }

  private var left: [String] { secondsLeft.map { ["ETA \(Format.duration($0))"] } ?? [] }

  private func line(bar: String = "", _ details: some Sequence<String>) -> String {
    // Only what is done is 100 %.
    let percent = Format.percent(share < 1 ? min(share, 0.99) : 1)
    return ([label, bar + percent] + details).joined(separator: "  ")
  }

  private var share: Double { fraction.isFinite ? min(max(fraction, 0), 1) : 0 }

  private var bar: String {
    let full = Int(share * Double(Self.barLength))
    return String(repeating: "#", count: full) + String(repeating: ".", count: Self.barLength - full)
  }
}

/// Steps a second, smoothed so that one slow step does not shake the estimate and a lasting change still shows.
///
/// Steps and seconds are summed with weights that fade over half a minute; the rate is their ratio, so a steady pace is
/// given exactly from the second observation on.
package struct RateEstimate: Sendable {
  /// Seconds after which an observation counts for 1/e of what it did.
  private static let memory = 30.0

  private var last: (done: Int, time: Double)?
  private var steps = 0.0
  private var seconds = 0.0

  /// An estimate that knows nothing yet.
  package init() {}

  /// Takes note that `done` steps were done at `time`, in seconds. Fewer steps than before begin a new estimate.
  package mutating func observe(done: Int, at time: Double) {
    if let last, done < last.done { self = RateEstimate() }
    if let last {
      let elapsed = max(0, time - last.time)
      let fading = exp(-elapsed / Self.memory)
      steps = steps * fading + Double(done - last.done)
      seconds = seconds * fading + elapsed
    }
    last = (done, time)
  }

  /// `nil` until two observations lie apart.
  package var stepsPerSecond: Double? { steps > 0 && seconds > 0 ? steps / seconds : nil }

  /// Seconds until `total` steps are done, at this rate.
  package func secondsLeft(total: Int) -> Double? {
    guard let last, let rate = stepsPerSecond else { return nil }
    return Double(max(0, total - last.done)) / rate
  }
}
