// When a run began and how long it has trained, over all the times that it was started.

import Foundation
import KindredReport
import Torch

/// A run's time, which its checkpoints keep.
struct RunClock {
  /// When it was first started.
  let began: String
  private let before: Double
  private let start = ContinuousClock.now

  /// - Parameter facts: of the checkpoint that the run goes on from; none for a run that begins.
  init(_ facts: [String: String] = [:]) {
    began = facts[Self.beganKey] ?? Format.moment(Date())
    before = facts[Self.secondsKey].flatMap { Double($0) } ?? 0
  }

  /// Without the time between its starts.
  var seconds: Double { ((before + (.now - start) / .seconds(1)) * 1000).rounded() / 1000 }

  var now: String { Format.moment(Date()) }

  /// What a checkpoint keeps of it.
  var facts: [String: String] { [Self.beganKey: began, Self.secondsKey: "\(seconds)"] }

  private static let (beganKey, secondsKey) = ("began", "seconds")
}
