// The `kindred` command: its subcommands, and how every one of them ends.

import ArgumentParser
import Files
import Foundation
import KindredExperiments
import KindredReport

struct KindredCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: ShellCommand.program,
    abstract: "Knowledge distillation: teaches a small network from a large one.",
    discussion: """
      Start with '\(ShellCommand.program) demo', which needs no data. A run is described by a YAML file; \
      '\(ShellCommand.program) inspect' shows what a file means before anything is trained.
      """,
    version: kindredVersion,
    groupedSubcommands: groups)

  /// The commands by what one wants to do, in the order of doing it.
  private static let groups = [
    CommandGroup(
      name: "Start",
      subcommands: [
        DemoCommand.self,
        InitCommand.self,
        RunCommand.self,
        WatchCommand.self,
      ]),
    CommandGroup(
      name: "Train",
      subcommands: [
        TrainCommand.self,
        DistillCommand.self,
        RecordCommand.self,
      ]),
    CommandGroup(
      name: "Compare",
      subcommands: [
        CompareCommand.self,
        EvaluateCommand.self,
        ReportCommand.self,
        FigureCommand.self,
        MatchCommand.self,
      ]),
    CommandGroup(
      name: "Look",
      subcommands: [
        InspectCommand.self,
        NetworksCommand.self,
        LossCommand.self,
        ForwardCommand.self,
        ReferenceCommand.self,
      ]),
    CommandGroup(
      name: "Files",
      subcommands: [
        ExportCommand.self,
        ConvertCommand.self,
        DataCommand.self,
      ]),
    CommandGroup(
      name: "Machine",
      subcommands: [
        DoctorCommand.self
      ]),
  ]

  /// - Parameter prepare: what comes before anything is looked up by its name.
  static func main(_ prepare: () throws -> Void) {
    do {
      try Surroundings.prepare()
      try prepare()
      try checkCommand()
      var command = try parseAsRoot()
      try command.run()
      try Membership.leave()
    } catch {
      end(error)
    }
  }

  /// A word that is no command is taken for a misspelling of one, which the parser would call unexpected.
  private static func checkCommand() throws {
    guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-") else { return }
    let names = groups.flatMap { $0.subcommands }.compactMap { $0.configuration.commandName }
    guard !names.contains(word), word != "help" else { return }
    throw RunError("there is no command '\(word)'; \(Misspelling.advice(for: word, among: names))")
  }

  private static func end(_ error: any Error) -> Never {
    // Help is printed as everything else is.
    if exitCode(for: error).isSuccess { output(fullMessage(for: error)) }
    let shown = exitCode(for: error).isSuccess ? ExitCode.success : plain(error)
    if !(shown is ExitCode), !Membership.tell(error, "\(shown)") { exit(withError: exitCode(for: shown)) }
    exit(withError: shown)
  }

  /// Foundation's errors say much and no reason; ours are a line for a person already.
  private static func plain(_ error: any Error) -> any Error {
    switch error {
    case is CocoaError, is POSIXError: RunError(systemReason(error))
    case is EncodingError, is DecodingError: RunError("a value does not go into JSON, or not out of it: \(error)")
    // The parser's own are not of one line, and have what becomes of them in their types.
    case _ where String(reflecting: type(of: error)).hasPrefix("ArgumentParser."): error
    default: RunError(oneLine("\(error)"))
    }
  }
}

/// Names from files may hold anything, line breaks and a terminal's commands too.
func oneLine(_ text: String) -> String {
  text.unicodeScalars.map { scalar in
    scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
  }.joined()
}

/// Prints a line beside the result, to standard error.
func note(_ line: String) { try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8)) }

/// A value as one JSON document with sorted keys. JSON has no infinities and no NaN: they are written as words.
func json(_ value: some Encodable, _ schema: JSONSchema) throws -> String {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(JSONDocument(value, schema)), as: UTF8.self)
}

/// A path of the command line, from the current folder.
func file(_ path: String) -> URL { URL(filePath: (path as NSString).expandingTildeInPath) }
