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
      DemoCommand.self, TrainCommand.self, DistillCommand.self, RecordCommand.self, CompareCommand.self,
      EvaluateCommand.self,
      InspectCommand.self, LossCommand.self, ForwardCommand.self, DataCommand.self, DoctorCommand.self,
    ])
}

/// Prints to standard output, all at once. Where that cannot be written to, such as on a full disk, the command ends.
func output(_ text: String, terminator: String = "\n") {
  do {
    try FileHandle.standardOutput.write(contentsOf: Data((text + terminator).utf8))
  } catch {
    let line = "Error: standard output cannot be written: \(error.localizedDescription)\n"
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    exit(EXIT_FAILURE)
  }
}

/// Prints a line beside the result, to standard error.
func note(_ line: String) { try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8)) }

/// A value as one JSON document with sorted keys. JSON has no infinities and no NaN: they are written as words.
func json(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Words as a shell takes them.
func commandLine(_ words: [String]) -> String {
  words.map { word in
    let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=+,:".contains($0) }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }.joined(separator: " ")
}

/// A path of the command line, from the current folder.
func file(_ path: String) -> URL { URL(filePath: (path as NSString).expandingTildeInPath) }
