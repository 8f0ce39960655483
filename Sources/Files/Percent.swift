// How accuracies are written, for people and for programs: in percent, and without what binary fractions add.

/// Accuracies in percent.
package enum Percent {
  /// A share between 0 and 1.
  package static func of(_ share: Double) -> Double { rounded(share * 100) }

  /// A number of percent, or of points of it, to four places: these tell one image of a million.
  package static func rounded(_ percent: Double) -> Double {
    let rounded = (percent * 10_000).rounded() / 10_000
    return rounded == 0 ? 0 : rounded
  }
}
