// What a table's accuracies are of, in a sentence, and when its runs were made.

import KindredReport

/// The images and the training of runs that are compared.
struct MeasuredSetting {
  /// A run's result, and the number of its split and its seed.
  typealias Run = (result: RunResult, split: Int?, seed: UInt64)

  private let runs: [Run]

  init(_ runs: [Run]) { self.runs = runs }

  /// Images, epochs and seeds; empty where nothing was measured.
  var sentence: String {
    let measured = runs.filter { $0.result.accuracyPercent != nil }
    guard !measured.isEmpty else { return "" }
    let results = measured.map(\.result)
    let places = results.compactMap { result in result.evaluatedOn.map { (result.images, $0) } }
    let on = places.map { "\($0) \($1) images" }.uniqued.joined(separator: " and ")
    let heldOut = results.map(\.heldOutImages).max() ?? 0
    let splits = Set(measured.compactMap(\.split)).count
    let seeds = results.map(\.name).uniqued.map { name in
      Set(measured.filter { $0.result.name == name }.map(\.seed)).count
    }
    let parts: [String?] =
      [
        "Accuracy in percent on \(on)", Self.count(results.map(\.trainingImages), "training image"),
        heldOut > 0 ? "\(Self.count(results.map(\.heldOutImages), "image")) held out" : nil,
        Self.count(results.map(\.epochs), "epoch"), splits > 1 ? "\(splits) splits" : nil,
        Self.count(seeds, "seed"),
      ]
    return parts.compactMap(\.self).joined(separator: ", ") + ": mean and sample standard deviation."
  }

  /// nil where no run is finished.
  var period: ComparisonPeriod? {
    let results = runs.map(\.result)
    guard let began = results.map(\.began).min(), let ended = results.map(\.ended).max() else { return nil }
    return ComparisonPeriod(began: began, ended: ended, seconds: results.reduce(0) { $0 + $1.seconds })
  }

  /// `3 seeds`, or `3 to 5 seeds` where they differ.
  private static func count(_ values: [Int], _ unit: String) -> String {
    let (least, most) = (values.min() ?? 0, values.max() ?? 0)
    return (least == most ? "\(most)" : "\(least) to \(most)") + " \(unit)\(most == 1 ? "" : "s")"
  }
}
