// `kindred watch`: how far runs have come, from another terminal.

import ArgumentParser
import Foundation
import KindredExperiments
import KindredReport

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Show how far runs have come, from another terminal.",
    discussion: """
      On a terminal the table is drawn anew every few seconds, until nothing is running or Ctrl-C; elsewhere it is printed \
      once. Nothing is written, and the runs do not notice.
      """)

  @Argument(help: "A run's folder, a folder of runs, or a study's file.")
  var place: String

  @Option(help: "The folder of runs of a study's file. (default: runs beside it where there is one, or runs)")
  var runs: String?

  @Option(help: "The seconds between two looks.")
  var every = 2.0

  @Flag(help: "Print the table once.")
  var once = false

  @Flag(help: "Print JSON, once.")
  var json = false

  func validate() throws {
    guard every >= 0.1, every <= 86_400 else { throw ValidationError("--every is from 0.1 seconds to a day.") }
  }

  func run() throws {
    if json { return output(try KindredCLI.json(Document(runs: try look()), .status)) }
    let isTerminal = isatty(STDOUT_FILENO) == 1
    guard isTerminal, !once else { return output(text(try look()), terminator: "") }
    StopRequest.listen()
    var lines = 0
    while true {
      let statuses = try look()
      let text = text(statuses)
      // Back to where the table began, and over it.
      output((lines > 0 ? "\u{1B}[\(lines)A\u{1B}[J" : "") + text, terminator: "")
      lines = text.count { $0 == "\n" }
      guard statuses.contains(where: { $0.state == .running }) else { return }
      for _ in 0..<Int(every * 10) where !StopRequest.isPending { usleep(100_000) }
      if StopRequest.isPending { return }
    }
  }

  private func look() throws -> [RunStatus] {
    let place = file(place)
    let study = StudyPlace(place).file
    let hasStudy = FileManager.default.fileExists(atPath: study.path)
    return try RunStatus.all(at: hasStudy ? study : place, runs: runs.map { file($0) } ?? StudyPlace.runs(of: study))
  }

  private func text(_ statuses: [RunStatus]) -> String {
    var table = TextTable([
      .text("run"), .text("state"), .number("epoch"), .number("loss"), .number("accuracy"), .number("left"),
    ])
    for status in statuses {
      let left = status.state == .running ? status.secondsLeft.map { "about \(Format.roughly($0))" } : nil
      table.append([
        status.name, status.state.rawValue, "\(status.epochsDone)/\(status.epochs)",
        status.loss.map(Format.value) ?? Format.missing,
        status.accuracyPercent.map(Format.percentage) ?? Format.missing, left ?? Format.missing,
      ])
    }
    let (done, all) = (statuses.reduce(0) { $0 + $1.epochsDone }, statuses.reduce(0) { $0 + $1.epochs })
    let finished = statuses.count { $0.state == .finished }
    return table.text + "\n\(finished) of \(statuses.count) runs finished, \(done) of \(all) epochs.\n"
  }
}

/// The JSON document.
private struct Document: Encodable {
  struct Run: Encodable {
    let name: String
    let state: RunStatus.State
    let epochsDone: Int
    let epochs: Int
    let loss: Double?
    let accuracyPercent: Double?
    let secondsLeft: Double?
  }

  let runs: [Run]

  init(runs: [RunStatus]) {
    self.runs = runs.map {
      Run(
        name: $0.name, state: $0.state, epochsDone: $0.epochsDone, epochs: $0.epochs, loss: $0.loss,
        accuracyPercent: $0.accuracyPercent, secondsLeft: $0.secondsLeft)
    }
  }
}
