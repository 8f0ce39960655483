// Dropout whose draws are a function of the step: a run that is resumed, or run by its graph, drops the same elements.

import CTorch

/// Makes elements zero by chance in training and scales the others so that their mean stays, `torch.nn.Dropout`.
///
/// In evaluation it changes nothing. What is dropped depends on the step of a run and the layer's place among the dropouts of a
/// network alone.
public final class Dropout: Module, Layer {
  /// The share of elements that are dropped, from 0 to below 1. A network that ran before does not see a change.
  public var ratio: Double

  /// - Parameter ratio: the share of elements that are dropped, from 0 to below 1.
  public init(_ ratio: Double) {
    precondition((0..<1).contains(ratio), "a ratio from 0 to below 1")
    self.ratio = ratio
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    input.dropped(ratio, place: DropoutPlaces.next(), isTraining: isTraining)
  }
}

/// What dropout draws from.
package enum StepSeed {
  /// Another one for each step of a run, a function of the run's seed and the step's position.
  @TaskLocal package static var current: UInt64 = 0
}

/// Names the dropouts of one pass through a network's code, in the words of its graph.
package final class DropoutPlaces: @unchecked Sendable {
  // A pass lives on one thread, so nothing else reaches its count.
  private var count = 0

  @TaskLocal private static var current: DropoutPlaces?

  /// Runs `body`, which is one pass.
  package static func counted<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $current.withValue(DropoutPlaces(), operation: body)
  }

  fileprivate static func next() -> String {
    guard let current else { return "dropout" }
    defer { current.count += 1 }
    return current.count == 0 ? "dropout" : "dropout_\(current.count)"
  }
}

extension Tensor {
  /// In training each element with the chance `ratio` zero, the others divided by 1 - ratio: the draws are those of the
  /// step's seed and a place. While a network is traced, taken down and nothing else, in either mode.
  package func dropped(_ ratio: Double, place: String, isTraining: Bool) -> Tensor {
    guard ratio > 0 else { return self }
    if OperationRecorder.isRecording { return adopt(ct_detach(handle), "dropout", [self], ["p": .number(ratio)]) }
    return isTraining ? self * mask(ratio, place: place) : self
  }

  /// 1 / (1 - ratio) for the elements that are kept, 0 for those that are dropped.
  private func mask(_ ratio: Double, place: String) -> Tensor {
    let hash = place.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    let kept = Generator(seed: StepSeed.current ^ hash).uniform(shape).greater(than: ratio)
    return (kept.to(dtype) * (1 / (1 - ratio))).to(device: device)
  }
}
