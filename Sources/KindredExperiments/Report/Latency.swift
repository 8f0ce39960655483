// How long a network takes for one image, as who waits for its answer knows it.

import Foundation
import Kindred
import Torch

/// The time of one image at a time, on the CPU.
struct Latency: Codable, Equatable {
  let threads: Int
  /// Milliseconds: the middle one of all passes, and those that a quarter is below and above.
  let median: Double
  let lowerQuartile: Double
  let upperQuartile: Double
  let passes: Int

  /// Measures a network in evaluation mode with one thread and with two. The number of threads is afterwards what it was.
  /// - Parameter shown: a network, and images of the shape that it takes.
  static func measured(of shown: ShownNetwork) -> [Latency] {
    // A network without classes gives its last activation.
    let request =
      shown.hasClasses ? ActivationRequest.logits : ActivationRequest(taps: Set(shown.comparedTaps.suffix(1)))
    let before = Runtime.threadCount
    defer { Runtime.threadCount = before }
    let image = Tensor.zeros([1] + shown.images.shape)
    return [1, 2].map { threads in
      Runtime.threadCount = threads
      return withoutGradients { Latency(threads: threads) { _ = shown.network.activations(of: image, request) } }
    }
  }

  private static let (fewest, most, seconds) = (5, 200, 0.25)

  /// Times passes for a quarter of a second, after a few that do not count.
  private init(threads: Int, _ pass: () -> Void) {
    for _ in 0..<3 { pass() }
    var times: [Double] = []
    while times.count < Self.fewest || (times.count < Self.most && times.reduce(0, +) < Self.seconds) {
      let start = DispatchTime.now().uptimeNanoseconds
      pass()
      times.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }
    times.sort()
    func quantile(_ share: Double) -> Double { times[Int((share * Double(times.count - 1)).rounded())] * 1000 }
    self.threads = threads
    (median, lowerQuartile, upperQuartile, passes) = (quantile(0.5), quantile(0.25), quantile(0.75), times.count)
  }
}
