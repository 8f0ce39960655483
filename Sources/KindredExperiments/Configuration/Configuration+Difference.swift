/// Whether a folder's run is the one that is asked for, and if not, why not.

import Foundation

extension Configuration {
  /// The first setting in which another configuration differs, or nil. Weights that calibration found do not count.
  func difference(from other: Configuration) -> String? {
    let (own, theirs) = (withoutFoundWeights().yaml(), other.withoutFoundWeights().yaml())
    let lines = zip(own.split(separator: "\n"), theirs.split(separator: "\n"))
    if let (mine, yours) = lines.first(where: { $0 != $1 }) {
      let trim = { (line: Substring) in line.trimmingCharacters(in: .whitespaces) }
      return "there '\(trim(yours))', here '\(trim(mine))'"
    }
    return own == theirs ? nil : "one has settings that the other lacks"
  }

  private func withoutFoundWeights() -> Configuration {
    var other = self
    other.losses.sp?.weight.forget()
    other.losses.at?.weight.forget()
    other.losses.hint?.weight.forget()
    return other
  }
}

extension Configuration.Weight {
  fileprivate mutating func forget() {
    if case .automatic(let calibration, _) = self { self = .automatic(calibration) }
  }
}
