// A little of what `make fuzz` and `make faults` do at length: hostile files for every reader, and a run whose writes fail.

import Foundation
import TestSupport
import Testing

@Suite struct ReliabilityTests {
  private let scratch: TestFolder

  init() throws { scratch = try TestFolder() }

  private func run(_ arguments: String...) throws -> Child.Finished {
    try Child(Command.binary("kindred-reliability"), arguments, in: scratch.url).wait()
  }

  /// Another seed than that of the figures in docs/reliability.md, so that other inputs are tried.
  @Test func hostileFilesAreAnswered() throws {
    let fuzz = try run("fuzz", "--inputs", "2000", "--seed", "7")
    #expect(fuzz.status == 0, "\(fuzz.errors)")
    let lines = fuzz.output.split(separator: "\n")
    #expect(lines.count == 18 && lines.allSatisfy { $0.contains("  2000 inputs  ") && $0.contains("  0 failed  ") })
    // Among them are valid ones, or nothing would have been read.
    #expect(lines.allSatisfy { !$0.contains("  0 read  ") }, "\(fuzz.output)")
  }

  @Test func aRunWhoseWritesFailSaysSoAndGoesOn() throws {
    let faults = try run("faults", "distill", "--rotate", "--images", "32", "--epochs", "1")
    #expect(faults.status == 0, "\(faults.errors)")
    #expect(faults.output.contains("faults, 0 not as they should be"), "\(faults.output)")
  }
}
