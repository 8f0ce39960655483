/// What a configuration may say and yet does nothing: allowed, since a long recipe is often tried over few epochs or with
/// a term switched off, but never in silence.

import Kindred

extension Configuration {
  /// Settings that do nothing, a line each: the key, why, and what to do.
  package var warnings: [String] {
    training.warnings.map { "training.\($0)" } + updateWarnings + student.warnings
      + losses.warnings(epochs: training.epochs) + mixingWarnings + (teacher?.warnings ?? [])
  }

  /// Of methods that take one class of each input, while inputs are mixed of two.
  private var mixingWarnings: [String] {
    let names = losses.terms.filter(\.method.needsLabels).map(\.id)
    guard data.augmentation.mixes, !names.isEmpty else { return [] }
    let key = data.augmentation.mixup > 0 ? "mixup" : "cutmix"
    let takes = names.count == 1 ? "takes" : "take"
    return [
      "data.\(key): \(names.joined(separator: ", ")) \(takes) the class of a mixed image's larger part for its only one"
    ]
  }

  private var updateWarnings: [String] {
    guard batchesPerEpoch > 0, training.accumulate > batchesPerEpoch else { return [] }
    return [
      "training.accumulate: an epoch has \(batchesPerEpoch) batches and makes one step; use \(training.accumulate) or more "
        + "batches, or a smaller number"
    ]
  }
}

extension Configuration.Student {
  fileprivate var warnings: [String] {
    guard !freeze.isEmpty, weights == nil, network.architecture != nil else { return [] }
    return ["student.freeze: what is frozen was drawn at random; give weights to start from, or take it out"]
  }
}

extension Configuration.Losses {
  fileprivate func warnings(epochs: Int) -> [String] {
    let smoothing =
      labelSmoothing > 0 && crossEntropyWeight == 0
      ? ["losses.label_smoothing: does nothing where cross_entropy weighs 0; give it a weight, or take this out"] : []
    let keys = terms.filter { $0.value == 0 }.map { "\($0.id).\($0.weightKey)" }
    // A method's usual warm-up is long beside a short trial of it, and nobody wrote it.
    let late = terms.filter { $0.warmUpEpochs > epochs && $0.warmUpEpochs != type(of: $0.method).card.warmUpEpochs }
    return smoothing + keys.map { "losses.\($0): 0 switches the term off; give it a weight, or take the term out" }
      + late.map {
        "losses.\($0.id).warm_up_epochs: \($0.warmUpEpochs) are more than the run has; its weight is never reached"
      }
  }
}

extension Configuration.Teacher {
  fileprivate var warnings: [String] {
    guard precision == .float32, quantization != Configuration.Quantization() else { return [] }
    return ["teacher.int8: does nothing in float32; write precision: int8, or take the section out"]
  }
}
