// Processes that share batches, against one process with all rows: exchanges, every method, and whole runs.

import Foundation
import TestSupport
import Testing
import Torch

/// What `GroupTrial` found in each of several processes.
private func trial(_ processes: Int, _ arguments: String...) throws -> [[String: [Double]]] {
  let store = try TCPStore(serving: "127.0.0.1")
  let program = try Command.binary("GroupTrial")
  let folder = try TestFolder()
  let children = try (0..<processes).map { index in
    let rank = Rank(index, of: processes)
    return try Child(
      program, arguments, in: folder.url,
      environment: Launch.variables(of: rank, local: rank, meetingAt: "127.0.0.1", port: store.port, isServed: true))
  }
  return try children.map { child in
    let ended = child.wait()
    try #require(ended.status == 0, "\(ended.errors)")
    return try JSONDecoder().decode([String: [Double]].self, from: Data(ended.output.utf8))
  }
}

@Suite struct ProcessGroupTests {
  @Test(arguments: 1...3) func exchangesGiveWhatTheyPromise(processes: Int) throws {
    let found = try trial(processes, "exchanges")
    let ranks = (1...processes).map(Double.init)
    let rows = (0..<14).map(Double.init)
    for (index, own) in found.enumerated() {
      #expect(own["sum"] == [Double](repeating: ranks.reduce(0, +), count: 3))
      #expect(own["maximum"] == [Double](repeating: Double(processes), count: 2))
      #expect(own["broadcast"] == [1, 1, 1, 1])
      #expect(own["counts"] == [ranks.reduce(0, +) - Double(processes)])
      #expect(own["rows"] == rows)
      #expect(own["maps"] == (0..<56).map(Double.init))
      // d(sum of squares)/d(row), of as many equal values as there are ranks.
      let part = Rank(index, of: processes).rows(of: 7)
      #expect(own["gradient"] == rows[2 * part.lowerBound..<2 * part.upperBound].map { 2 * $0 * Double(processes) })
    }
  }

  /// Seven inputs, of which the last two have no class: the value, every gradient and what is kept are those of one process.
  @Test(arguments: [2, 3]) func everyMethodIsTheSameLoss(processes: Int) throws {
    for found in try trial(processes, "methods") {
      #expect(found.count > 30)
      for (method, errors) in found {
        // Beyond rounding are only sums that should be zero, such as gradients before a batch norm, of which 1e-6 is taken.
        #expect(errors.count == 3 && errors.allSatisfy { $0 < 2e-9 }, "\(method): \(errors)")
      }
    }
  }

  /// A hundred steps with crops, flips, mixup, clipping and a moving average; without batch norms, or with synchronised ones.
  @Test(arguments: ["plain", "sync"]) func runsAreTheSame(norms: String) throws {
    let alone = try #require(try trial(1, "run", norms).first)
    for processes in [2, 3] {
      for found in try trial(processes, "run", norms) {
        for name in ["weights", "reports"] {
          let (own, other) = (try #require(found[name]), try #require(alone[name]))
          #expect(own.count == other.count && own.count >= 30)
          #expect(zip(own, other).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name) of \(processes)")
        }
      }
    }
  }

  @Test func localRelationsAreAnotherLoss() throws {
    let alone = try #require(try trial(1, "run", "plain").first?["weights"])
    let shared = try #require(try trial(2, "local").first?["weights"])
    #expect(zip(alone, shared).contains { abs($0 - $1) > 1e-3 })
  }
}
