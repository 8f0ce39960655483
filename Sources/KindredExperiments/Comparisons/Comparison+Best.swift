// Which run of a comparison to take away.

import Foundation

extension Comparison {
  /// A run that stands for the best row, and what that row comes to.
  package struct Best {
    package let job: Job
    /// The mean over the row's runs; nil where nothing was measured.
    package let accuracyPercent: Double?
  }

  /// The first run of the row with the highest mean accuracy, of those that do not teach others; where nothing was measured, of
  /// the last row. Of several seeds the first is taken and not the luckiest.
  /// - Throws: `RunError` for a result that is damaged.
  package func best() throws -> Best? {
    let rows = try rows.map { row -> Best? in
      let jobs = runs(of: row).filter { !isTeaching($0) && $0.folder.hasResult }
      guard let first = jobs.first else { return nil }
      let accuracies = try jobs.compactMap { try $0.folder.readResult().accuracyPercent }
      return Best(
        job: first, accuracyPercent: accuracies.isEmpty ? nil : accuracies.reduce(0, +) / Double(accuracies.count))
    }.compactMap(\.self)
    return rows.filter { $0.accuracyPercent != nil }.max { ($0.accuracyPercent ?? 0) < ($1.accuracyPercent ?? 0) }
      ?? rows.last
  }
}
