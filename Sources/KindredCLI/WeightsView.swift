// What `kindred inspect` shows of a file of weights.

import Foundation
import KindredExperiments
import KindredReport

/// The entries of a file of weights, and the networks that they fit.
struct WeightsView {
  private let weights: WeightsFile

  init(_ weights: WeightsFile) { self.weights = weights }

  /// A line an entry, in the order of the names.
  var entries: String {
    var table = TextTable([.text("entry"), .text("type"), .text("shape")])
    // As people count: layer2 before layer10.
    let names = weights.entries.keys.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    for name in names {
      guard let entry = weights.entries[name] else { continue }
      let shape = entry.shape.map(String.init).joined(separator: " x ")
      table.append([oneLine(name), "\(entry.dtype)", shape.isEmpty ? "a number" : shape])
    }
    return table.text
  }

  func summary() throws -> String {
    let networks = try weights.fittingNetworks().map(\.name)
    let fit = networks.isEmpty ? "no network of Kindred's" : networks.joined(separator: ", ")
    return """
      \(weights.entries.count) entries, \(Format.count(weights.parameterCount)) parameters
      fits: \(fit)

      """
  }
}
