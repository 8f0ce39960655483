/// What a configuration may say and yet does nothing: allowed, since a long recipe is often tried over few epochs or with
/// a term switched off, but never in silence.

import Kindred

extension Configuration {
  /// Settings that do nothing, a line each: the key, why, and what to do.
  package var warnings: [String] {
    training.warnings.map { "training.\($0)" } + losses.warnings + (teacher?.warnings ?? [])
  }
}

extension Configuration.Losses {
  fileprivate var warnings: [String] {
    let keys = terms.filter { $0.value == 0 }.map { "\($0.id).\($0.weightKey)" }
    return keys.map { "losses.\($0): 0 switches the term off; give it a weight, or take the term out" }
  }
}

extension Configuration.Teacher {
  fileprivate var warnings: [String] {
    guard precision == .float32, quantization != Configuration.Quantization() else { return [] }
    return ["teacher.int8: does nothing in float32; write precision: int8, or take the section out"]
  }
}
