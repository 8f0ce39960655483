// What the tests of one run cannot show: hostile inputs by the million, every write failing, kills, and long runs.
// `docs/reliability.md` says what is promised and what was measured.

import ArgumentParser
import Foundation

@main
struct ReliabilityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kindred-reliability", abstract: "Measures what Kindred promises about hostile inputs and bad days.",
    subcommands: [FuzzCommand.self, FaultsCommand.self, KillsCommand.self, SoakCommand.self])
}

/// Prints a line at once: whoever reads a file of results may not want to wait for the last of them.
func say(_ line: String) { try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8)) }

/// Something that does not hold, or that could not be measured.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
