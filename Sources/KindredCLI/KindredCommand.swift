// The `kindred` command: its subcommands, and how every one of them ends.

import ArgumentParser
import Foundation
import KindredExperiments

@main
struct KindredCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kindred",
    abstract: "Knowledge distillation: teaches a small network from a large one.",
    discussion: """
      Start with 'kindred demo', which needs no data. A run is described by a YAML file; 'kindred inspect' shows what \
      a file means before anything is trained.
      """,
    version: kindredVersion,
    subcommands: [
      DemoCommand.self, TrainCommand.self, DistillCommand.self, CompareCommand.self, EvaluateCommand.self,
      InspectCommand.self, LossCommand.self, ForwardCommand.self, DataCommand.self, DoctorCommand.self,
    ])
}

/// Prints to standard output, all at once.
func output(_ text: String, terminator: String = "\n") {
  FileHandle.standardOutput.write(Data((text + terminator).utf8))
}

/// A value as one JSON document with sorted keys.
func json(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// A path of the command line, from the current folder.
func file(_ path: String) -> URL { URL(filePath: (path as NSString).expandingTildeInPath) }
