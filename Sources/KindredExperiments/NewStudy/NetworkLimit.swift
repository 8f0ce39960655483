// How small a student is to be, and the network of the zoo that comes nearest to it.

import Foundation
import Kindred
import KindredVision
import Torch

/// What a network may cost.
package enum NetworkLimit: Sendable, Equatable, CustomStringConvertible {
  /// Its weights in float32, in bytes.
  case bytes(Double)
  /// The multiply-adds of one image.
  case multiplyAdds(Double)
  /// What one image takes on one thread of this machine, in seconds.
  case seconds(Double)

  /// A number with its unit, such as `200 kB`, `1.5 MB`, `30 M`, `1 G` (multiply-adds) or `5 ms`; nil for anything else.
  package init?(_ text: String) {
    guard let match = text.wholeMatch(of: /\s*([0-9]+(?:\.[0-9]+)?)\s*(kB|KB|MB|M|G|ms)\s*/),
      let number = Double(match.1), number > 0
    else { return nil }
    switch match.2 {
    case "kB", "KB": self = .bytes(number * 1e3)
    case "MB": self = .bytes(number * 1e6)
    case "M": self = .multiplyAdds(number * 1e6)
    case "G": self = .multiplyAdds(number * 1e9)
    default: self = .seconds(number / 1e3)
    }
  }

  package var description: String {
    switch self {
    case .bytes(let bytes): "\(short(bytes / 1e3)) kB"
    case .multiplyAdds(let count): "\(short(count / 1e6)) M multiply-adds"
    case .seconds(let seconds): "\(short(seconds * 1e3)) ms"
    }
  }

  private func short(_ number: Double) -> String { String(format: "%.3g", number) }

  /// What a network costs by this measure.
  private func value(of network: Architecture, _ form: NetworkForm) -> Double {
    switch self {
    case .bytes: Double(form.cost(of: network).parameters) * 4
    case .multiplyAdds: Double(form.cost(of: network).multiplyAdds)
    case .seconds: form.secondsPerImage(network)
    }
  }

  private var limit: Double {
    switch self {
    case .bytes(let limit), .multiplyAdds(let limit), .seconds(let limit): limit
    }
  }

  private func same(_ value: Double) -> NetworkLimit {
    switch self {
    case .bytes: .bytes(value)
    case .multiplyAdds: .multiplyAdds(value)
    case .seconds: .seconds(value)
    }
  }

  /// The network that makes the most of the limit: of those within it the one of the most weights where bytes are limited, of
  /// the most multiply-adds otherwise.
  /// - Throws: `RunError` where none is so small.
  func network(for form: NetworkForm) throws -> Architecture {
    let candidates = form.networks.map { (network: $0, value: value(of: $0, form)) }
    func size(_ network: Architecture) -> Int {
      let cost = form.cost(of: network)
      if case .bytes = self { return cost.parameters }
      return cost.multiplyAdds
    }
    if let best = candidates.filter({ $0.value <= limit }).max(by: { size($0.network) < size($1.network) }) {
      return best.network
    }
    guard let least = candidates.min(by: { $0.value < $1.value }) else {
      throw RunError("no network takes such images")
    }
    throw RunError(
      "no network of the zoo is as small as \(self): the smallest is \(least.network.name) with \(same(least.value)); name "
        + "it, or an ONNX file of your own")
  }
}

/// What a network is to take and tell.
struct NetworkForm {
  let image: [Int]
  /// 0 where images have no class.
  let classes: Int

  /// Those of the zoo that are made for images of about this size.
  var networks: [Architecture] {
    let side = image[1] <= NetworkForm.largestSmallSide ? 32 : 224
    return Architecture.suggested.filter { $0.family.imageSize == side }
  }

  /// Up to this side the networks made for 32 pixels see more of an image than those that begin by shrinking it fourfold.
  private static let largestSmallSide = 64

  func cost(of network: Architecture) -> NetworkCost { network.facts(image: image).cost(classes: classes) }

  /// The usual teacher: of a size that a processor trains.
  var usualTeacher: String { image[1] <= NetworkForm.largestSmallSide ? "wrn-40-2" : "resnet18" }

  /// The largest network of a tenth of another's cost at most, or the smallest there is.
  func tenth(of other: NetworkCost) -> Architecture? {
    let small = networks.filter {
      let own = cost(of: $0)
      return own.parameters * 10 <= other.parameters && own.multiplyAdds * 10 <= other.multiplyAdds
    }
    func less(_ a: Architecture, _ b: Architecture) -> Bool { cost(of: a).multiplyAdds < cost(of: b).multiplyAdds }
    return small.max(by: less) ?? networks.min(by: less)
  }

  /// What one image takes on one thread: the least of some runs of a frozen network, which others on the machine disturb.
  func secondsPerImage(_ network: Architecture) -> Double {
    let teacher = LiveTeacher(
      network.network(classes: max(classes, 1), inputChannels: image[0], generator: Generator(seed: 0)),
      statistics: [.logits])
    let batch = Batch(.zeros([1] + image), labels: nil, position: BatchPosition())
    let threads = Runtime.threadCount
    defer { Runtime.threadCount = threads }
    Runtime.threadCount = 1
    let times = (0..<NetworkForm.timedRuns).compactMap { _ -> Double? in
      let start = ContinuousClock.now
      guard (try? teacher.output(for: batch)) != nil else { return nil }
      return (.now - start) / .seconds(1)
    }
    return times.min() ?? .infinity
  }

  private static let timedRuns = 7
}
